"""What a campaign's own ledger shows: events as the driver writes them, folded."""

from __future__ import annotations

from autosota.agents.domain import (
    Comparison,
    Fate,
    Guard,
    Isolation,
    MetricSource,
    Objective,
    Outcome,
    Patch,
    Purpose,
)
from autosota.agents.scheduler import events as ev
from autosota.agents.scheduler.state import fold
from autosota.agents.supervisor.ledger import findings_of

SEEDS = (0, 1, 2, 3)


def _objective(**changes):
    return Objective(
        command="python train.py --seed {seed}",
        metric="test_acc",
        select_on="val_acc",
        seeds=SEEDS,
        metrics={"val_acc": MetricSource("val_acc", unit="fraction")},
        guards=(Guard("ndcg", max_decrease=0.01),),
        **changes,
    )


def _runs(commit, values, seconds):
    for seed, value in zip(SEEDS, values, strict=True):
        yield ev.RunFinished(
            run_id=f"{commit}-{seed}", purpose=Purpose.BASELINE if commit == "base" else
            Purpose.SEARCH, side="baseline" if commit == "base" else commit, commit=commit,
            seed=seed, outcome=Outcome.OK, reason="", metrics={"val_acc": value, "ndcg": 0.4},
            isolation=Isolation.DECLARED, wall_seconds=seconds, receipt="",
        )  # fmt: skip


def _campaign(best, others=(), seconds=(100.0, 110.0)):
    base = (0.80, 0.82, 0.81, 0.79)
    yield ev.CampaignStarted(_objective(), "", "base", False, "1")
    yield from _runs("base", base, seconds[0])
    for n, values in enumerate((*others, best)):
        name = f"c{n}"
        yield ev.IdeaSelected(name, "base", "next")
        yield ev.PatchMade(Patch(name, name, "base", name, ""))
        yield from _runs(name, values, seconds[1])
        yield ev.IdeaJudged(name, Fate.PROVISIONAL, "")
    yield ev.BestMoved(name, name, (name,))


def _codes(events):
    return [f.code for f in findings_of(fold(events))]


SMALL = (0.805, 0.818, 0.821, 0.789)
LARGE = (0.86, 0.88, 0.872, 0.849)


def test_a_search_without_a_best_says_nothing():
    events = [e for e in _campaign(LARGE) if not isinstance(e, ev.BestMoved)]
    assert _codes(events) == []


def test_the_best_of_many_that_luck_explains_is_told_until_it_is_confirmed():
    others = [(0.79, 0.82, 0.81, 0.78 + k / 1000) for k in range(20)]
    events = [*_campaign(SMALL, others)]
    assert _codes(events) == ["SEL503"]
    assert _codes([*_campaign(LARGE, others)]) == []
    judged = ev.ConfirmationJudged(1, "c20", Fate.CONFIRMED, "", None)
    assert _codes([*events, judged]) == []


def test_a_gain_in_a_tenth_of_the_time_is_told_and_so_is_a_perfect_score():
    assert _codes(_campaign(LARGE, seconds=(100.0, 3.0))) == ["SEL505"]
    assert _codes(_campaign((1.0, 1.0, 1.0, 0.999))) == ["SEL505"]


def test_a_guard_that_broke_is_told_by_its_rule():
    worse = ev.GuardResult("ndcg", 0.40, 0.37, "at most -1%", False)
    held = ev.GuardResult("ndcg", 0.40, 0.40, "at most -1%", True)
    comparison = Comparison("test_acc", 4, 0.8, 0.86, 0.06, 0.05, 0.07, 0.001, 0.001, 1)
    for result, codes in ((worse, ["TO601"]), (held, [])):
        judged = ev.ConfirmationJudged(1, "c0", Fate.GUARDED, "", comparison, (result,))
        assert _codes([*_campaign(LARGE), judged]) == codes
