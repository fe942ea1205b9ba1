from __future__ import annotations

import re

import pytest

from autosota.agents.domain import Outcome
from autosota.server.report import plots, svg
from autosota.server.report.fates import FATES, fate_of
from autosota.server.report.numbers import Evidence
from autosota.server.report.tree import commit_of


def drawn(told):
    return str(plots.trajectory(Evidence(told.history, told.receipts)))


def marks(plot):
    return re.findall(r'<path d="([^"]*)" class="mark (\w+)"', plot)


def heights(plot):
    return [float(y) for y in re.findall(r'\bc?y[12]?="([-\d.]+)"', plot)]


def test_every_idea_tried_has_a_mark_of_its_fate_in_order(confirmed):
    found = [fate for _, fate in marks(drawn(confirmed))]
    state = confirmed.state
    wanted = ["baseline", *(fate_of(i, state)[0] for i in state.selected)]
    assert sorted(found) == sorted(wanted)
    legend = plots.fates_drawn(Evidence(confirmed.history, confirmed.receipts))
    assert set(legend) == set(wanted) - {"baseline"}


def test_fates_differ_by_shape_or_filling_and_not_only_by_colour():
    shapes = {fate: str(svg.mark(fate, 0.0, 0.0)).split('"')[1] for fate in FATES}
    different = ("confirmed", "provisional", "noise", "guarded", "failed", "rejected")
    assert len({shapes[f] for f in different}) == len(different)
    assert shapes["not_applicable"] not in {shapes[f] for f in different}


def test_seeds_are_dots_until_there_are_too_many(confirmed, lab, make_idea):
    state = confirmed.state
    tried = {commit_of(i, state) for i in state.iterations} | {state.start.base_commit}
    ok = [
        r
        for r in state.runs
        if r.purpose in ("baseline", "search") and r.outcome is Outcome.OK and r.commit in tried
    ]
    outside = [r for r in ok if r.metrics["val_accuracy"] < 0.7]
    assert outside  # one idea ran into the ground
    assert drawn(confirmed).count('class="seed"') == len(ok) - len(outside)


def test_one_diverged_idea_does_not_flatten_the_others(lab, make_idea):
    ideas = [make_idea(f"i{n}") for n in range(8)]
    calm = drawn(lab(ideas, {}).play())
    wild = drawn(lab(ideas, {"i3": -1e6}).play())

    def spread(plot):
        seen = [float(y) for y in re.findall(r'cy="([\d.]+)" r="1.8"', plot)]
        return max(seen) - min(seen)

    assert spread(wild) > 0.5 * spread(calm)
    assert "outside the plot" in wild and "▾" in wild
    assert all(0 <= y <= 360 for y in heights(wild))


def test_a_baseline_without_noise_is_still_drawn(lab, make_idea):
    plot = drawn(lab([make_idea("x")], {}, sd=0.0).play())
    assert "nan" not in plot and all(0 <= y <= 360 for y in heights(plot))


def test_nothing_is_drawn_before_the_baseline(confirmed, not_reproduced):
    evidence = Evidence(confirmed.cut(4).history, confirmed.cut(4).receipts)
    assert plots.trajectory(evidence) is None
    assert plots.confirmation(evidence) is None
    assert plots.trajectory(Evidence(not_reproduced.history, not_reproduced.receipts)) is None


def test_each_fresh_seed_has_both_sides_and_its_gain(confirmed):
    plot = str(plots.confirmation(Evidence(confirmed.history, confirmed.receipts)))
    pairs = len(confirmed.state.plan.seeds)
    sides = plot.count('class="side-baseline"'), plot.count('class="side-candidate"')
    assert sides == (pairs + 1, pairs + 1)  # and the legend
    assert plot.count('class="gain ') == pairs
    for seed in confirmed.state.plan.seeds:
        assert f">seed {seed}<" in plot


def test_worse_seeds_look_different(not_held):
    plot = str(plots.confirmation(Evidence(not_held.history, not_held.receipts)))
    assert plot.count('class="gain worse"') + plot.count('class="gain better"') == len(
        not_held.state.plan.seeds
    )
    assert plot.count('class="gain worse"') > 0


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (0.9312, 0.9417), (-3e6, 5e6), (1e-9, 3e-9), (-1.0, -0.5)]
)
def test_ticks_are_round_and_inside(low, high):
    found = svg.ticks(svg.Scale(low, high, 0.0, 100.0))
    assert 2 <= len(found) <= 12
    assert all(low - 1e-9 * abs(low) <= v <= high + 1e-9 * abs(high) for v, _ in found)
    assert len({text for _, text in found}) == len(found)


def test_scales_never_have_zero_width():
    for values in ([0.0], [5.0, 5.0], [1e300, 1e300]):
        scale = svg.scale_over(values, 0.0, 10.0)
        assert scale.low < scale.high


def test_text_in_a_plot_is_escaped():
    assert str(svg.label(0.0, 0.0, '<b>&"\x1b')) == (
        '<text x="0" y="0" class="tick" text-anchor="middle">&lt;b&gt;&amp;&#34;␛</text>'
    )
    assert str(svg.tag("g", "", title='"><script>')) == '<g title="&#34;&gt;&lt;script&gt;"></g>'
