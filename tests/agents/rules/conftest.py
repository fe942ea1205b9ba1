"""Cases of the rules: text in which a rule fires, and text in which it must not.

A file `cases/CODE.txt` holds cases of one rule. Each begins with a line

    === fires|silent: title [path=train.py] [also=LK101,NB802]

and goes on with the text of the file. `# <-` at the end of a line marks where the finding may
stand (any of the marked lines), and is taken off before the check reads the text. `--- name.py`
begins another file of the same project; the first one is checked. In a case whose path ends in
`.ipynb` a line `# %%` begins a cell, `# %% [7]` one with that execution count.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_HEAD = re.compile(r"=== (fires|silent): (.*?)((?: \[\w+=[^\]]*\])*)$")
_MARK = re.compile(r"[ \t]*# <-$", re.M)


@dataclass(frozen=True)
class Case:
    """One case of one rule. `lines` are where a finding may stand, counted in its text."""

    code: str
    fires: bool
    title: str
    path: str
    text: str
    lines: tuple[int, ...]
    others: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()

    @property
    def content(self) -> bytes:
        """The file as the check gets it."""
        return notebook(self.text) if self.path.endswith(".ipynb") else self.text.encode()

    @property
    def files(self) -> dict[str, bytes]:
        """Every file of the case."""
        return {self.path: self.content, **{name: text.encode() for name, text in self.others}}


def read_cases(code: str) -> list[Case]:
    """The cases of one rule, in the order of its file."""
    out: list[Case] = []
    blocks: list[tuple[re.Match[str], list[str]]] = []
    for line in (HERE / "cases" / f"{code}.txt").read_text().split("\n"):
        head = _HEAD.match(line)
        if head is not None:
            blocks.append((head, []))
        elif blocks:
            blocks[-1][1].append(line)
        else:
            assert not line.strip(), f"{code}: text before the first case"
    for head, lines in blocks:
        options = dict(re.findall(r"\[(\w+)=([^\]]*)\]", head.group(3)))
        assert options.keys() <= {"path", "also"}, (code, options)
        files = re.split(r"^--- (\S+)\n", "\n".join(lines).rstrip("\n") + "\n", flags=re.M)
        text = files[0]
        marks = [n for n, line in enumerate(text.split("\n"), 1) if _MARK.search(line)]
        others = tuple(zip(files[1::2], files[2::2], strict=True))
        also = tuple(options.get("also", "").split(",")) if options.get("also") else ()
        fires = head.group(1) == "fires"
        path = options.get("path", "train.py")
        title = head.group(2)
        assert bool(marks) == fires, f"{code}: {title}: a case that fires says where"
        out.append(Case(code, fires, title, path, _MARK.sub("", text), tuple(marks), others, also))
    return out


def notebook(text: str) -> bytes:
    """A notebook from text with `# %%` lines; the line itself is no part of its cell."""
    cells = []
    for count, source in re.findall(r"^# %%(?: \[(\d+)\])?\n(.*?)(?=^# %%|\Z)", text, re.S | re.M):
        cells.append(
            {
                "cell_type": "code",
                "execution_count": int(count) if count else None,
                "metadata": {},
                "outputs": [],
                "source": source.rstrip("\n").splitlines(keepends=True),
            }
        )
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole).encode()


def line_in_text(text: str, cell: int | None, line: int) -> int:
    """The line of a case's text that a place in its notebook stands for."""
    if cell is None:
        return line
    starts = [n for n, row in enumerate(text.split("\n"), 1) if re.match(r"# %%( \[\d+\])?$", row)]
    return starts[cell] + line


def codes(prefix: str) -> list[str]:
    """The codes of a family that have cases of text."""
    return sorted(p.stem for p in (HERE / "cases").glob(f"{prefix}*.txt"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `text_case` the cases of the families that the test's module names."""
    if "text_case" in metafunc.fixturenames:
        cases = [
            case
            for prefix in metafunc.module.FAMILIES
            for code in codes(prefix)
            for case in read_cases(code)
        ]
        ids = [f"{c.code}-{'fires' if c.fires else 'silent'}-{c.title}" for c in cases]
        metafunc.parametrize("text_case", cases, ids=ids)


@pytest.fixture
def checked():
    """Checks a case, and says of each finding: code, severity, line in the case's text."""
    from autosota.agents.check import Project, Settings, check
    from autosota.agents.domain import Severity

    def run(case: Case) -> tuple[list[int], list[str]]:
        """The lines of the rule's findings, and every other finding of note in words."""
        project = Project.of(case.files)
        result = check(case.path, case.content, Settings(), project)
        assert not result.unread, result.unread
        own, others = [], []
        for found in result.findings:
            line = line_in_text(case.text, found.place.cell, found.place.line)
            if found.code == case.code:
                own.append(line)
            elif found.severity is not Severity.INFO and found.code not in case.also:
                others.append(f"{found.code} line {line}: {found.message}")
        return own, others

    return run
