"""Where a text is cut: never inside a statement, and an open bracket ends soon."""

from __future__ import annotations

import ast
import random
import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest

from autosota.agents.check import Session
from autosota.agents.check.chunks import cuts
from autosota.agents.check.document import Document
from autosota.agents.check.syntax import Syntax

PIECES = [
    b"", b"(", b")", b"[", b"{", b'"""', b"'", b"\n", b":", b"#", b"    ", b" ", b"\\\n", b"x =",
    b"return ", b"def g(x):\n", b"class A:\n", b"@dec\n", b"x = f(", b"else:\n", b"if x:\n",
    b"    def h(self):\n        pass\n", b"import os\n", b"except E:\n", b"async ", b"lambda ",
    b"match x:\n  case 1:",
]  # fmt: skip
LIBRARY = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))


def starts(content: bytes) -> set[int]:
    """The bytes of the lines at which a statement of a module starts, its decorators included."""
    lines = [0]
    for line in content.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found = set()
    for node in ast.parse(content).body:
        found.add(min(n.lineno for n in (node, *getattr(node, "decorator_list", ()))))
    return {lines[n - 1] for n in found}


@pytest.mark.parametrize("path", LIBRARY[::8], ids=lambda p: p.name)
def test_a_text_that_parses_is_cut_between_statements_only(path: Path) -> None:
    content = path.read_bytes()
    if b"\x0c" in content or b"\r" in content:
        pytest.fail(f"{path}: splitlines breaks elsewhere than Python; choose another file")
    assert set(cuts(content, 0)) <= starts(content)


WHOLE = b"""import numpy as np
size = [1,
2]

@cached
def a(x):
    return (x,
        1)

class Net:
    def fit(self, rows):
        return self
# words
else_ = '''
def b(): pass
'''
if size:
    pass
else:
    pass
"""


def pieces(content: bytes) -> list[bytes]:
    ends = [0, *cuts(content, 0), len(content)]
    return [content[a:b] for a, b in pairwise(ends)]


def test_the_pieces_of_a_script() -> None:
    firsts = [piece.split(b"\n")[0] for piece in pieces(WHOLE)]
    assert firsts == [
        b"import numpy as np", b"size = [1,", b"@cached", b"class Net:", b"else_ = '''",
        b"if size:",
    ]  # fmt: skip


def test_an_open_bracket_ends_at_the_next_statement_that_no_bracket_holds() -> None:
    broken = WHOLE.replace(b"size = [1,\n2]", b"size = [1,\n2")
    assert [p.split(b"\n")[0] for p in pieces(broken)][1:3] == [b"size = [1,", b"def a(x):"]


def test_lines_that_nothing_above_calls_for_are_a_piece() -> None:
    torn = WHOLE.replace(b"        1)\n", b"        1)\nx = f(\n    return 1\n    y = 2\n")
    assert b"x = f(\n" in pieces(torn)
    assert b"    return 1\n    y = 2\n\n" in pieces(torn)


@pytest.mark.parametrize("typed", ["z = fit(np.array([1, 'a']), {", "if z[", "for a in b:", '"'])
def test_what_is_typed_leaves_the_units_elsewhere_as_they_are(typed: str) -> None:
    at = WHOLE.index(b"class Net")
    here, before = Syntax(), set[int]()
    for n in range(len(typed) + 1):
        text = WHOLE[:at] + typed[:n].encode() + b"\n" + WHOLE[at:]
        fresh, document = Syntax(), Document("a.py", text)
        seen = [(u.offset, u.text, u.broken) for u in here.update(document)]
        assert seen == [(u.offset, u.text, u.broken) for u in fresh.update(document)]
        now = {id(u) for u in here.units if not at <= u.offset < at + n}
        assert n == 0 or now == before
        before = now


@pytest.mark.parametrize("seed", range(40))
def test_after_every_edit_the_units_are_those_of_a_fresh_reading(seed: int) -> None:
    chance = random.Random(seed)
    text = WHOLE * 2
    here = Syntax()
    here.update(Document("a.py", text))
    for _ in range(12):
        start = text.rfind(b"\n", 0, chance.randrange(len(text))) + chance.choice((1, 1, 5))
        end = min(len(text), start + chance.choice((0, 0, chance.randint(0, 30))))
        text = text[:start] + chance.choice(PIECES) + text[end:]
        document, fresh = Document("a.py", text), Syntax()
        seen = [(u.offset, u.text, u.broken) for u in here.update(document)]
        assert seen == [(u.offset, u.text, u.broken) for u in fresh.update(document)]


def test_a_leak_is_found_below_a_bracket_that_is_open() -> None:
    leak = b"""from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC
import pandas as pd
df = pd.read_csv("d.csv")
X = StandardScaler().fit_transform(df)
a, b, c, d = train_test_split(X, df.pop("y"), random_state=0)
print(SVC().fit(a, c).score(b, d))
"""
    session = Session("a.py")
    for opened in (b"", b"f(", b"f(["):
        text = opened + b"\n" + leak
        assert [f.code for f in session.update(text).findings] == ["LK101", "LK118"]
