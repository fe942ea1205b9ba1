"""The check on cases of the LK rules."""

from __future__ import annotations

FAMILIES = ("LK",)


def test_a_rule_fires_where_it_should_and_nowhere_else(text_case, checked):
    own, others = checked(text_case)
    if text_case.fires:
        assert own, f"silent; others: {others}"
        assert set(own) <= set(text_case.lines), f"at {own}, not at {text_case.lines}"
    else:
        assert not own
    assert not others
