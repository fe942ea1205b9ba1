"""SEL: what chance and choice do to a number (R1, R5), read from the ledger."""

from __future__ import annotations

from autosota.agents.domain import Severity
from autosota.agents.rules.rule import Level, Rule

_RUNS = (Level.RUNTIME,)
_B, _E, _W, _I = Severity.BLOCK, Severity.ERROR, Severity.WARNING, Severity.INFO

RULES = (
    Rule(
        code="SEL501",
        name="Seed chosen by its score",
        red_line="R1",
        severity=_E,
        levels=(Level.FILE, Level.RUNTIME),
        what="""Several seeds are run and the best one is reported, or a change pins a seed that
            used to follow the run.""",
        why="""A scan over seeds is a search over noise. Over ten thousand seeds on CIFAR-10 there
            are some that beat the average by a margin others publish as progress.""",
        bad="""
            scores = {seed: run(seed) for seed in range(50)}
            print("ours", max(scores.values()))
            """,
        use_instead="""
            scores = [run(seed) for seed in range(5)]
            print(np.mean(scores), np.std(scores, ddof=1))
            """,
        not_when="""Fixing a seed for repeatability, before anything was measured, chooses nothing.
            An ensemble over all seeds uses all of them.""",
        references=("picard21", "leech24: golden seed", "mischief", "autosota: R1"),
    ),
    Rule(
        code="SEL502",
        name="Gain within the noise",
        red_line="R1",
        severity=_W,
        levels=_RUNS,
        what="""The difference of candidate and baseline is no larger than what other seeds of the
            same code show.""",
        why="""The next seed may turn it around. The variance between runs that change nothing but
            the seeds is, in many benchmarks, of the size of published improvements.""",
        bad="""
            baseline 81.2 (n = 1), candidate 81.4 (n = 1); standard deviation over seeds 0.3
            """,
        use_instead="""
            baseline 81.2 ± 0.1 (n = 5), candidate 82.4 ± 0.1 (n = 5), same seeds on both sides
            """,
        not_when="""A small gain can be real: pair the seeds and run more of them until the
            interval excludes zero, or says that it does not.""",
        references=("bouthillier21", "musgrave20", "leech24"),
    ),
    Rule(
        code="SEL503",
        name="Gain that trying often explains",
        red_line="R5",
        severity=_W,
        levels=_RUNS,
        what="""Many ideas were scored on the same rows, and the best gain is no larger than the
            expected maximum of that many draws of noise.""",
        why="""The maximum of N normal draws is about the square root of 2 ln N standard deviations
            up: of 60 ideas that do nothing, with noise of 0.3, the best shows +0.70.""",
        bad="""
            60 ideas, each scored on the test set; best gain +0.4, noise 0.3
            expected best of 60 draws of that noise: +0.70
            """,
        use_instead="""
            60 ideas scored on validation rows; the test set read once, at the end
            """,
        not_when="""A gain that is confirmed on fresh seeds and rows that played no part in the
            search has left this behind.""",
        references=("dwork15", "cawley10", "yang22: multi-test leakage"),
    ),
    Rule(
        code="SEL504",
        name="Reported and held-out scores far apart",
        red_line="R5",
        severity=_E,
        levels=_RUNS,
        what="""The reported score is better than a trusted computation on held-out rows by 0.15 or
            more.""",
        why="""Sampling noise does not explain a gap of that size on a test set of any use. What
            does: leakage, tampering, or a search that fitted the validation rows.""",
        bad="""
            reported 0.97, held-out computation 0.71: a gap of 0.26
            """,
        use_instead="""
            reported 0.970, held-out computation 0.965
            """,
        not_when="""If the held-out rows are meant to be harder (another hospital, a later year),
            the gap is the finding of the paper. The limit is for scores between 0 and 1.""",
        references=("agentpressure: threshold 0.15", "rewardhacking: reference metric"),
    ),
    Rule(
        code="SEL505",
        name="Too good to be true",
        red_line="R3",
        severity=_W,
        levels=_RUNS,
        what="""A score jumps to (nearly) perfect, or improves while the time of training collapses
            or its checkpoint does not change.""",
        why="""Real improvements cost something and leave errors. A training that takes three
            seconds instead of forty minutes did not take place.""",
        bad="""
            accuracy 0.62 to 1.00, run time 40 min to 3 s, checkpoint unchanged
            """,
        use_instead="""
            accuracy 0.62 to 0.66, run time 40 min to 55 min
            """,
        not_when="""Easy tasks have perfect scores, and a fixed inefficiency can save most of the
            time. The finding asks for a look, it accuses nobody.""",
        references=("metr", "cuda"),
    ),
    Rule(
        code="SEL506",
        name="Another number of samples evaluated",
        red_line="R1/R6",
        severity=_B,
        levels=_RUNS,
        what="""The candidate was scored on more or fewer samples than the baseline.""",
        why="""The missing ones are not missing at random: they crashed, were too long, or were
            filtered. Whatever the reason, these are two different test sets.""",
        bad="""
            baseline scored 10,000 samples, candidate 9,312
            """,
        use_instead="""
            baseline scored 10,000 samples, candidate 10,000
            """,
        not_when="""Token-level metrics of models with different tokenisers count different tokens;
            compare per character or per sample there.""",
        references=("autosota: R6", "leech24: subset hacking"),
    ),
    Rule(
        code="SEL507",
        name="Recomputed metric disagrees",
        red_line="R2/R3",
        severity=_B,
        levels=_RUNS,
        what="""The baseline's scorer, run on the predictions the candidate saved, gives another
            number than the candidate reported.""",
        why="""One of the two is not the metric of those predictions; the recomputed one is.""",
        bad="""
            log says f1 = 0.91; the scorer of the base on preds.npy gives 0.84
            """,
        use_instead="""
            log says f1 = 0.9100; recomputed 0.9100
            """,
        not_when="""Differences in the last printed digits are rounding, and tolerated.""",
        references=("rewardhacking", "mlebench"),
    ),
    Rule(
        code="SEL508",
        name="Unequal tuning",
        red_line="R1",
        severity=_I,
        levels=_RUNS,
        what="""The candidate's settings were searched with many more trials than the
            baseline's.""",
        why="""Much of what a new method gains over an old one goes away when the old one is tuned
            as long. The comparison measures the budget.""",
        bad="""
            baseline 1 configuration, candidate the best of 120 trials
            """,
        use_instead="""
            120 trials each, over spaces of the same size
            """,
        not_when="""A baseline with its published, tuned settings has had its trials elsewhere; say
            how many, if the paper does.""",
        references=("musgrave20", "dodge19", "leech24: baseline nerfing"),
    ),
)
"""The rules of the family."""
