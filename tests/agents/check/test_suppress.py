"""Comments that suppress findings, and those that suppress nothing."""

from __future__ import annotations

import pytest

from autosota.agents.check import Settings, check

LINE = "X = StandardScaler().fit_transform(df)"
TEXT = f"""import pandas as pd
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC
df = pd.read_csv('d.csv')
y = df.pop('y')
{LINE}
a, b, c, d = train_test_split(X, y, random_state=0)
print(SVC().fit(a, c).score(b, d))
"""


@pytest.mark.parametrize(
    "line",
    [
        f"{LINE}  # noqa: LK101",
        f"{LINE}  # noqa: E501, LK101",
        f"{LINE}  # autosota: ignore[LK101] published this way",
        f"# autosota: ignore[LK101] published this way\n{LINE}",
    ],
)
def test_a_comment_suppresses_its_code_on_its_line(line: str) -> None:
    result = check("a.py", TEXT.replace(LINE, line).encode())
    assert not result.findings
    assert [f.code for f in result.suppressed] == ["LK101"]


def test_a_whole_file_may_be_excused() -> None:
    text = "# autosota: ignore-file[LK101] a baseline of others\n" + TEXT
    assert not check("a.py", text.encode()).findings
    late = TEXT + "\n" * 20 + "# autosota: ignore-file[LK101]\n"
    assert [f.code for f in check("a.py", late.encode()).findings] == ["LK101"]


@pytest.mark.parametrize("line", [f"{LINE}  # noqa", f"{LINE}  # noqa: E501"])
def test_what_is_meant_for_other_linters_suppresses_nothing(line: str) -> None:
    assert [f.code for f in check("a.py", TEXT.replace(LINE, line).encode()).findings] == ["LK101"]


def test_a_string_is_no_comment() -> None:
    text = TEXT.replace(LINE, f"{LINE}; s = '# noqa: LK101'")
    assert [f.code for f in check("a.py", text.encode()).findings] == ["LK101"]


def test_a_suppression_that_suppresses_nothing_is_reported() -> None:
    text = TEXT.replace("y = df.pop('y')", "y = df.pop('y')  # noqa: LK112, E501")
    found = check("a.py", text.encode()).findings
    assert [(f.code, f.place.line) for f in found] == [("NB898", 6), ("LK101", 7)]
    assert "LK112" in found[0].message and "E501" not in found[0].message
    chosen = Settings(select=("LK101",))
    assert [f.code for f in check("a.py", text.encode(), chosen).findings] == ["LK101"]
