"""PS: what the paper at hand holds fixed (R7)."""

from __future__ import annotations

from autosota.agents.domain import Severity
from autosota.agents.rules.rule import Level, Rule

RULES = (
    Rule(
        code="PS701",
        name="Protected constant changed",
        red_line="R7",
        severity=Severity.BLOCK,
        levels=(Level.PATCH,),
        what="""A constant that the objective lists under `protocol.frozen` gets another value.""",
        why="""These are the terms of the comparison: a history of eight frames, an input of 224
            pixels, a horizon of 96 steps. Another value is another task under the same name.""",
        bad="""
            -HIST_LEN = 8
            +HIST_LEN = 12
            """,
        use_instead="""
             HIST_LEN = 8
            -HIDDEN = 64
            +HIDDEN = 96
            """,
        not_when="""The same name in another scope, such as the default of a plotting function, is
            not the constant. To study another value, make it an objective of its own.""",
        references=("autosota: R7",),
    ),
    Rule(
        code="PS702",
        name="Pretrained source swapped",
        red_line="R7",
        severity=Severity.WARNING,
        levels=(Level.PATCH,),
        what="""The backbone or its pretrained weights are replaced by others.""",
        why="""A larger or better trained backbone lifts everything that is built on it. In metric
            learning, much of the progress of a decade was its change of backbone.""",
        bad="""
            -AutoModel.from_pretrained("bert-base-uncased")
            +AutoModel.from_pretrained("bert-large-uncased")
            """,
        use_instead="""
            -AutoModel.from_pretrained("bert-base-uncased")
            +AutoModel.from_pretrained("mirror/bert-base-uncased")   # the same weights
            """,
        not_when="""Another place for the same weights is no swap. If the backbone is the idea, the
            baseline gets it too.""",
        references=("musgrave20: architecture differences", "autosota: R7"),
    ),
)
"""The rules of the family."""
