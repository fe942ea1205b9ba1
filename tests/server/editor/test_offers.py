"""What a view offers, in words: pure functions of what was found."""

from __future__ import annotations

from dataclasses import replace

from autosota.server.editor.offers import badge, hints, hover, idea_title, ideas_at, lenses
from autosota.server.editor.view import Fixed, Idea, Metric, Progress, Tried, Value, View

IDEA = Idea(
    id="more-trees-train.build-1",
    title="Raise the number of trees: n_estimators 100 → 300",
    granularity="PARAM",
    paper="Breiman 2001, Random Forests",
    expected="a small gain in the mean",
    reason="more trees vary less",
    risk="LOW",
    cost=3.0,
    line=12,
    end_line=14,
    symbol="build",
    header=10,
)
GAIN = Tried("c1", "confirmed", "in the confirmed change", "p 0.001", "+1.8 %", "acc", "+0.016")
VIEW = View("/w", "train.py", True, 20, (IDEA,), fixed=(Fixed("seq_len", "40"),))


def with_fate(fate, **more):
    return replace(IDEA, id=fate, tried=Tried("c1", fate, f"words of {fate}", "", **more))


def titles(view, progress=None):
    return [(lens.line, lens.title) for lens in lenses(view, progress)]


def test_an_idea_is_offered_where_it_acts_and_on_its_function():
    assert [len(ideas_at(VIEW, n, n)) for n in (9, 10, 11, 12, 14, 15)] == [0, 1, 0, 1, 1, 0]
    assert len(ideas_at(VIEW, 1, 30)) == 1


def test_what_was_refused_is_not_offered_again_and_the_best_comes_first():
    ideas = tuple(with_fate(f) for f in ("noise", "refused", "worse", "confirmed", "rejected"))
    found = ideas_at(replace(VIEW, ideas=(IDEA, *ideas)), 12, 12)
    assert [i.id for i in found] == ["confirmed", IDEA.id, "noise", "worse"]
    many = tuple(replace(IDEA, id=str(n)) for n in range(50))
    assert len(ideas_at(replace(VIEW, ideas=many), 12, 12)) == 8


def test_a_title_says_what_whose_and_what_came_of_it():
    assert idea_title(IDEA) == (
        "Raise the number of trees: n_estimators 100 → 300 (PARAM, Breiman 2001): "
        "not tried; a small gain in the mean"
    )
    assert badge(replace(IDEA, tried=GAIN)) == "+1.8 %, in the confirmed change"
    assert badge(with_fate("noise", gain="+0.1 %")) == "words of noise"
    assert badge(replace(IDEA, expected="")) == "not tried"


def test_lenses_over_functions_count_their_ideas():
    tried = replace(IDEA, id="b", tried=GAIN)
    assert titles(replace(VIEW, entry=0)) == [(10, "1 idea")]
    assert titles(replace(VIEW, entry=0, ideas=(IDEA, tried))) == [
        (10, "2 ideas · best +1.8 % in the confirmed change")
    ]
    noise = replace(VIEW, entry=0, ideas=(IDEA, with_fate("noise"), with_fate("refused")))
    assert titles(noise) == [(10, "2 ideas · 1 tried")]
    assert titles(replace(VIEW, entry=0, ideas=(replace(IDEA, header=0),))) == [(12, "1 idea")]


def test_lenses_over_the_entry_point_follow_the_campaign():
    alone = replace(VIEW, ideas=())
    assert titles(replace(alone, has_objective=False)) == [(20, "Set up an objective")]
    assert [t for _, t in titles(alone)] == ["Run baseline", "Try 3 ideas", "Start campaign"]
    running = Progress("/w", "running", "c2", evaluations=3, budget_evaluations=30)
    assert [t for _, t in titles(alone, running)] == ["Campaign c2: 3 of 30 runs", "Stop"]
    assert titles(alone, replace(running, state="idle"))[0] == (20, "Resume c2")
    assert titles(alone, replace(running, state="finished"))[0] == (20, "Run baseline")
    arguments = [lens.arguments for lens in lenses(alone, None)]
    assert [a.get("ideas") for a in arguments] == [0, 3, None]


METRIC = Metric(
    "test_accuracy",
    30,
    (Value("baseline", "0.906", "0.003", 5, "sealed", ("r1", "r2")),),
    paper="0.91 (Table 1)",
    is_claim=True,
)


def test_measured_values_stand_beside_their_metric():
    view = replace(VIEW, metrics=(METRIC,))
    (hint,) = hints(view)
    assert (hint.line, hint.text) == (30, "test_accuracy: baseline 0.906 ± 0.003 · paper 0.91")
    assert "mean over 5 seeds, sealed" in hint.tooltip
    (lens,) = [x for x in lenses(view, None) if x.line == 30]
    assert lens.title == "test_accuracy 0.906 · baseline, sealed"
    assert lens.arguments == {"root": "/w", "id": "r2"}


def test_a_masked_value_is_said_to_be_masked():
    masked = replace(METRIC, values=(), note="masked until it is read", paper="")
    (hint,) = hints(replace(VIEW, metrics=(masked,)))
    assert hint.text == "test_accuracy: masked until it is read"
    assert all(x.line != 30 for x in lenses(replace(VIEW, metrics=(masked,)), None))


def test_a_hover_ties_a_setting_the_paper_and_the_runs_together():
    tried = with_fate("noise", detail="+0.001 on acc (-0.002 to +0.004, 5 seeds)")
    view = replace(VIEW, ideas=(IDEA, tried), metrics=(METRIC,))
    text = hover(view, 13, "n_estimators")
    assert (
        "| Raise the number of trees: n_estimators 100 → 300 | Breiman 2001 | not tried |" in text
    )
    assert "words of noise: +0.001 on acc" in text
    ran = with_fate("noise", patch="c1-p2", receipts=("a", "b", "c", "d"))
    assert "| 4 runs of c1-p2 |" in hover(replace(VIEW, ideas=(ran,)), 13, "n_estimators")
    fixed = replace(view, fixed=(Fixed("n_estimators", "100"),))
    both = hover(fixed, 13, "n_estimators")
    assert both.startswith("The paper fixes `n_estimators = 100` (R7).\n\n| idea |")
    assert hover(view, 13, "other") == ""
    assert hover(view, 40, "n_estimators") == ""
    assert hover(view, 1, "seq_len") == "The paper fixes `seq_len = 40` (R7)."
    assert "the paper: 0.91 (Table 1)" in hover(view, 30, "test_accuracy")
    assert "Raise the number" in hover(view, 10, "build")


def test_a_view_moves_with_the_lines_above_it():
    def lines(view):
        return view.ideas[0].header, view.ideas[0].line, view.ideas[0].end_line, view.entry

    assert lines(VIEW.moved(1, 1, 2)) == (12, 14, 16, 22)
    assert lines(VIEW.moved(11, 11, 1)) == (10, 13, 15, 21)
    assert lines(VIEW.moved(13, 13, 3)) == (10, 12, 17, 23)
    assert lines(VIEW.moved(25, 25, 9)) == (10, 12, 14, 20)
    assert lines(VIEW.moved(1, 4, -3)) == (7, 9, 11, 17)
    assert lines(VIEW.moved(11, 18, -7)) == (10, 11, 11, 13)
    assert VIEW.moved(1, 1, 0) is VIEW
