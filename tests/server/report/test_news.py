"""The lines of a running campaign, as the terminal and a pipe print them."""

from __future__ import annotations

import json
from dataclasses import replace

from rich.text import Text

from autosota.agents.domain import Outcome, Purpose, Variant
from autosota.agents.scheduler import actions
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import CampaignState
from autosota.server.activity import doing
from autosota.server.cli.progress import Terminal, said
from autosota.server.view import as_json, masked


def stream(told):
    """What a terminal prints, as plain text, line by line."""
    state, lines = CampaignState(), []
    for event in told.events:
        state.apply(event)
        line = said(masked(event, state), state)
        if line:
            lines.append(Text.from_markup(line).plain.strip())
    return lines


def starting(lines, head):
    return [line for line in lines if line.startswith(head)]


def test_a_campaign_tells_what_it_does_in_order(survived):
    lines = stream(survived)
    pairs = len(survived.state.plan.seeds)
    heads = (
        "baseline test_accuracy 0.9",
        "leap 2 structural candidates"
        if any(line.startswith("leap 2") for line in lines)
        else "leap 3 structural candidates",
        "ablation of c1-p9, 3 pieces: train.py:14 model = standardise(C=10); ",
        "train.py:14 model = standardise(C=10): carries +",
        "the smallest patch that keeps the gain is c1-p9-without-h1",
        f"confirmation of c1-p9-without-h1 on {pairs} fresh paired seeds: the confirmation takes "
        f"{2 * pairs} runs",
        "control null patch: passed",
        "control re-execution: passed",
        f"→ confirmed: better on {pairs} fresh paired seeds\n    spent: confirmation {2 * pairs} "
        "runs, ",
        "transfer half the data: the gain holds, +0.0",
    )
    places = [lines.index(starting(lines, head)[0]) for head in heads]
    assert places == sorted(places)
    assert "; claim read once, to measure it, and for no" in starting(lines, "baseline test_acc")[0]


def test_a_honeymoon_and_its_end_are_told(no_gain):
    lines = stream(no_gain)
    opened = starting(lines, "honeymoon “")
    closed = starting(lines, "rolled back “")
    assert len(opened) == len(closed) == 1
    assert "has 5 more ideas to pay off" in opened[0]
    base = no_gain.state.start.base_commit[:10]
    assert closed[0].endswith(f"back at {base}, exactly as before it")


def test_a_run_that_was_ended_early_or_again_says_so(confirmed):
    state = confirmed.state
    run = next(r for r in state.runs if r.purpose is Purpose.SEARCH)
    pruned = replace(run, outcome=Outcome.PRUNED, reason="step 3: 0.41 is below 0.62")
    assert "ended early: step 3: 0.41 is below 0.62" in said(pruned, state)
    assert ", second attempt: " in said(replace(run, attempt=1), state)
    assert "(transfer half) seed" in said(replace(run, variant="transfer half"), state)


def test_a_fresh_environment_is_said_while_it_is_built(capsys):
    terminal = Terminal()
    run = actions.Execute(Purpose.CONTROL, "c1-p1", "c", 5, Variant("re-execution"))
    terminal.starting(run)
    assert capsys.readouterr().err == ""
    terminal.starting(replace(run, variant=Variant("re-execution", fresh_environment=True)))
    assert "building a fresh environment for the re-execution" in capsys.readouterr().err


def test_runs_are_named_once_and_outcomes_are_words(confirmed):
    state = confirmed.state
    run = next(r for r in state.runs if r.purpose is Purpose.BASELINE)
    assert Text.from_markup(said(run, state)).plain.startswith("  baseline seed 0: 0.9")
    slow = replace(
        run, purpose=Purpose.SEARCH, side="c1-p1", outcome=Outcome.TOO_SLOW, reason="stopped after"
    )
    assert Text.from_markup(said(slow, state)).plain.startswith(
        "  search c1-p1 seed 0: too slow: stopped after"
    )


def test_steps_that_were_left_out_are_said(confirmed):
    state = confirmed.until(lambda s: s.best is not None).state
    skipped = ev.AblationSkipped(state.best.patch, "the budget left no room")
    state.apply(skipped)
    line = Text.from_markup(said(skipped, state)).plain
    assert line == f"ablation {state.best.patch} is not taken apart: the budget left no room"
    old = ev.IdeasProposed(state.best.commit, (), "catalogue", ("a", "b"))
    assert "2 older ideas superseded" in said(old, state)
    state.superseded["another"] = {"a"}
    assert "1 older idea superseded" in said(old, state)  # told once


def test_lines_of_hostile_names_stay_lines(lab, make_idea):
    told = lab([make_idea("x", title="a [red]b[/] \x1b[2J\nc")], {"x": 0.05}).play()
    for line in stream(told):
        assert "\n" not in line.replace("\n    ", "")  # only our own, indented
        assert "\nc" not in line and "\x1b" not in line
    state = told.state
    event = ev.LeapOpened(state.start.base_commit, ("x",), "why\n\x1b[2J[bold]")
    line = Text.from_markup(said(event, state)).plain
    assert "\x1b" not in line and "\n" not in line and "[bold]" in line


def test_every_action_has_words():
    given = {
        "purpose": Purpose.SEARCH,
        "side": "c1-p1",
        "seed": 3,
        "ideas": ("a", "b"),
        "drop": ("h1",),
        "confidence": 0.95,
    }
    for action in actions.Action.__args__:
        if action in (actions.Record, actions.Done):
            continue
        names = [
            f for f in action.__dataclass_fields__ if f not in ("variant", "attempt", "pruning")
        ]
        words = doing(action(**{n: given.get(n, "c1-p1") for n in names}))
        assert words and words != "thinking", action


def test_json_lines_hold_the_new_events_and_hide_the_claim(survived):
    state, seen = CampaignState(), {}
    for event in survived.events:
        state.apply(event)
        row = json.loads(as_json(event, state))
        seen.setdefault(row["event"], []).append(row)
        opened = state.confirmation is not None
        if row["event"] == "run_finished" and row["purpose"] in ("confirm", "control"):
            assert ("test_accuracy" in row["metrics"]) is opened
        if row["event"] in ("control_judged", "outcomes_compared") and not opened:
            result = row["comparison"]
            assert result is None or result["metric"] == "val_accuracy"
    for kind in ("ablation_planned", "piece_judged", "leap_opened", "transfer_judged"):
        assert seen[kind], kind
    assert all(r["comparison"]["metric"] == "test_accuracy" for r in seen["transfer_judged"])
    assert [r["passed"] for r in seen["control_judged"]] == [True] * 5
