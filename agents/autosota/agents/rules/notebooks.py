"""NB: what a reader cannot repeat, and the check's word on itself."""

from __future__ import annotations

from autosota.agents.domain import Severity
from autosota.agents.rules.rule import Level, Rule

_FILE = (Level.FILE,)
_W, _I = Severity.WARNING, Severity.INFO

RULES = (
    Rule(
        code="NB801",
        name="Notebook does not run in order",
        red_line="hygiene",
        severity=_I,
        levels=_FILE,
        what="""A cell uses a name that is only defined in a later cell, or the execution counts
            show that cells were run in another order than they stand.""",
        why="""What is shown came from a state that nobody else has. Of the notebooks on public
            repositories that could be run again in order, 24 % ran without an error and 4 % gave
            the same results.""",
        bad="""
            # cell 7, [7]
            pred = prob > threshold
            # cell 12, [6]
            threshold = 0.37
            """,
        use_instead="""
            # restart and run all; every name is defined above its use
            """,
        not_when="""Functions may use names that are defined before they are called, wherever that
            is. A notebook without any execution counts was cleared, not run out of order.""",
        references=("pimentel19", "nblyzer"),
    ),
    Rule(
        code="NB802",
        name="Split without a seed, or split twice",
        red_line="hygiene",
        severity=_I,
        levels=_FILE,
        what="""Rows are split at random without a seed, or one table is split twice and parts of
            the two splits are used together.""",
        why="""Each run tests other rows, so two numbers of one notebook cannot be compared; and a
            second split puts training rows of the first into its test part.""",
        bad="""
            X_train, X_test = train_test_split(X)
            # another cell: other rows
            X_train2, X_test2 = train_test_split(X)
            """,
        use_instead="""
            X_train, X_test = train_test_split(X, random_state=0)
            """,
        not_when="""A repeated split over many seeds, to average over it, is better than one split.
            A global seed set before makes a split repeatable, as long as the order of calls
            stays.""",
        references=("smells: randomness uncontrolled", "dslinter: W5509"),
    ),
    Rule(
        code="NB898",
        name="Suppression that suppresses nothing",
        red_line="hygiene",
        severity=_W,
        levels=_FILE,
        what="""A comment silences a rule on a line (or in a file) where the rule does not fire.""",
        why="""It was right once, and the code was changed. The next real finding on that line
            would be silenced without anyone having decided so.""",
        bad="""
            X_test = scaler.transform(X_test)  # noqa: LK107
            """,
        use_instead="""
            X_test = scaler.transform(X_test)
            """,
        not_when="""Codes of other tools in the same `noqa` are theirs and never reported.""",
        references=(),
    ),
    Rule(
        code="NB899",
        name="File could not be read",
        red_line="hygiene",
        severity=_W,
        levels=_FILE,
        what="""A file is no Python text or no notebook: bytes that are not the declared encoding,
            broken JSON, a notebook format that is unknown, or far too large.""",
        why="""Nothing in it was checked. Silence about it would look like a clean file; so there
            is one warning, and the command ends with exit code 2.""",
        bad="""
            # -*- coding: utf-8 -*-  (and bytes that are not)
            """,
        use_instead="""
            # save it as UTF-8, or leave it out: [tool.autosota.check] exclude = ["old/**"]
            """,
        not_when="""A file with a syntax error can be read: what surrounds the error is checked,
            and the broken part is unknown.""",
        references=(),
    ),
)
"""The rules of the family."""
