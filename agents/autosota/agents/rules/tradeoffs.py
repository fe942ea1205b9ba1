"""TO: what a gain may not be paid with (R4)."""

from __future__ import annotations

from autosota.agents.domain import Severity
from autosota.agents.rules.rule import Level, Rule

_E, _W = Severity.ERROR, Severity.WARNING

RULES = (
    Rule(
        code="TO601",
        name="Another metric gets worse",
        red_line="R4",
        severity=_E,
        levels=(Level.RUNTIME,),
        what="""The target metric improves and another reported metric falls by more than its
            declared tolerance, beyond what seeds explain.""",
        why="""A method can buy one metric with another. The paper that is improved reports both,
            and its readers need both.""",
        bad="""
            Recall@20 +1.1 %, NDCG@20 -4.8 %
            """,
        use_instead="""
            Recall@20 +1.1 %, NDCG@20 -0.1 % (inside its interval)
            """,
        not_when="""A trade that is wanted is declared as a guard with room for it, before the
            search.""",
        references=("autosota: R4",),
    ),
    Rule(
        code="TO602",
        name="Reported metric dropped",
        red_line="R4",
        severity=_E,
        levels=(Level.PATCH, Level.RUNTIME),
        what="""A metric that the baseline reports is missing from the candidate's output.""",
        why="""What is not reported cannot be seen to get worse.""",
        bad="""
            -print({"recall": r, "ndcg": n, "mrr": m})
            +print({"recall": r})
            """,
        use_instead="""
            -print({"recall": r})
            +print({"recall": r, "ndcg": n})
            """,
        not_when="""Metrics of training (a loss term that the new method does not have) may go; the
            audit asks only about those that rest on held-out rows.""",
        references=("autosota: R4, all metrics in each iteration", "leech24"),
    ),
    Rule(
        code="TO603",
        name="More computation per prediction",
        red_line="R4/R7",
        severity=_W,
        levels=(Level.PATCH, Level.RUNTIME),
        what="""The candidate predicts with more computation: several passes averaged, test-time
            augmentation, an ensemble, more parameters or a longer inference.""",
        why="""Ensembles and repeated passes improve nearly every model, the baseline as well. At
            equal cost the gain may be gone.""",
        bad="""
            +logits = torch.stack([model(augment(x)) for _ in range(16)]).mean(0)
            """,
        use_instead="""
            +x = torch.stack([augment(x) for _ in range(2)])   # in training
            """,
        not_when="""If inference is free to cost more, declare it as a guard with room, and give
            the baseline the same passes as a control.""",
        references=("leech24: runtime hacking", "autosota: R4 and R7"),
    ),
)
"""The rules of the family."""
