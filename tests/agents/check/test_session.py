"""An open document: what is found after an edit is what a fresh check finds; nothing crashes."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from autosota.agents.check import Checked, Edit, Session, Settings, check
from autosota.agents.domain import Severity

CASES = Path(__file__).parents[1] / "rules" / "cases"
SCRIPTS = [
    block.split("\n", 1)[1].encode()
    for path in sorted(CASES.glob("LK*.txt"))
    for block in path.read_text().split("=== ")[1:]
]
"""Realistic training scripts: the cases of the rules."""
PIECES = [
    b"(", b")", b"[", b"{", b'"""', b"'", b"\n", b"\r\n", b"\r", b"\x0c", b"\0", b"\t", b":",
    b"def f(:", b"\xef\xbb\xbf", b"\\\n", b"lambda ", b"%matplotlib\n", b"!ls\n", b'print "x"\n',
    b"\xff\xfe", b"async ", b"match x:\n  case 1:", b"X_test", b"m.fit(X, y)\n",
]  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    text = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        i = chance.randrange(len(text) + 1)
        j = min(len(text), i + chance.randint(1, 120))
        kind = chance.randint(0, 5)
        if kind == 0:
            del text[i:j]
        elif kind == 1:
            text[i:i] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 6)))
        elif kind == 2:
            text[i:i] = chance.choice(PIECES)
        elif kind == 3:
            text[i:i] = text[i:j] * chance.randint(1, 3)
        elif kind == 4:
            text = text[:j]
        else:
            x = chance.randrange(len(text) + 1)
            text[x:x] = text[i:j]
    return bytes(text)


@pytest.mark.parametrize("seed", range(12))
def test_after_every_edit_a_session_finds_what_a_fresh_check_finds(seed: int) -> None:
    chance = random.Random(seed)
    content = b"\n".join(chance.sample(SCRIPTS, 2))
    session = Session("a.py")
    session.update(content)
    for _ in range(8):
        i = chance.randrange(len(content) + 1)
        j = min(len(content), i + chance.randint(0, 30))
        text = chance.choice([b"", *PIECES])
        content = content[:i] + text + content[j:]
        assert session.update(Edit(i, j, text)) == check("a.py", content)


@pytest.mark.parametrize("seed", range(12))
def test_no_bytes_make_it_crash(seed: int) -> None:
    chance = random.Random(1000 + seed)
    for _ in range(6):
        result = check("a.py", mutated(chance.choice(SCRIPTS), chance))
        assert isinstance(result, Checked)


DEEP = {
    "parentheses": b"import sklearn\nx.fit(" + b"(" * 20000 + b")" * 20000 + b")",
    "brackets, never closed": b"import sklearn\nx.fit(" + b"[" * 50000,
    "a sum": b"import sklearn\nx.fit(" + b"1+" * 20000 + b"1)",
    "a chain of calls": b"import sklearn\nx" + b".fit(1)" * 5000,
    "blocks": b"import sklearn\n" + b"".join(b" " * i + b"if x.fit:\n" for i in range(500)),
    "elif": b"import sklearn\nif x.fit: pass\n" + b"elif y: pass\n" * 3000,
    "subscripts": b"import sklearn\nx.fit" + b"[0" * 3000 + b"]" * 3000,
    "lambdas": b"import sklearn\nx.fit(" + b"lambda:" * 5000 + b"0)",
    "calls of calls": b"from sklearn import *\n"
    + b"".join(b"def f%d(x): return f%d(f%d(x))\n" % (i, i + 1, i + 1) for i in range(60))
    + b"f0(X).fit(1)\n",
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_nesting_is_cut_off(name: str) -> None:
    start = time.process_time()
    assert isinstance(check("a.py", DEEP[name]), Checked)
    assert time.process_time() - start < 10


def test_it_is_deterministic() -> None:
    content = b"\n".join(SCRIPTS[:6])
    assert check("a.py", content) == check("a.py", content)


def test_code_without_machine_learning_is_left_alone() -> None:
    files = sorted(Path(json_folder()).glob("*.py"))
    assert len(files) >= 4
    for path in files:
        assert not check(str(path), path.read_bytes()).findings


def json_folder() -> str:
    import json

    return str(Path(json.__file__).parent)


LEAK = b"""import pandas as pd
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC
df = pd.read_csv('d.csv')
y = df.pop('y')
X = StandardScaler().fit_transform(df)
a, b, c, d = train_test_split(X, y, random_state=0)
print(SVC().fit(a, c).score(b, d))
"""


def test_select_ignore_and_severity() -> None:
    assert [f.code for f in check("a.py", LEAK).findings] == ["LK101"]
    assert not check("a.py", LEAK, Settings(ignore=("LK1",))).findings
    assert not check("a.py", LEAK, Settings(select=("EV",))).findings
    harsh = Settings(severity={"LK101": Severity.ERROR})
    assert [f.severity for f in check("a.py", LEAK, harsh).findings] == [Severity.ERROR]


def test_nothing_is_said_when_the_name_is_bound_by_no_library() -> None:
    own = LEAK.replace(b"from sklearn.preprocessing", b"from ours")
    assert not check("a.py", own).findings


def test_a_place_moves_with_the_text_above_it() -> None:
    session = Session("a.py")
    first = session.update(LEAK).findings[0]
    second = session.update(Edit(0, 0, b"# a comment\n\nz = 1\n")).findings[0]
    assert second.place.line == first.place.line + 3
    assert [r.line for r in second.related] == [r.line + 3 for r in first.related]


def test_one_function_edited_in_a_long_file_is_quick() -> None:
    body = (
        b"def step_%d(x):\n    total = 0\n    for i in range(x):\n"
        b"        total += i * %d\n    return total\n\n"
    )
    content = LEAK + b"".join(body % (i, i) for i in range(330))
    assert content.count(b"\n") > 1980
    session = Session("a.py")
    session.update(content)
    chance = random.Random(0)
    took = []
    for _ in range(15):
        at = content.index(b"total = 0", chance.randrange(len(LEAK), len(content) - 200))
        edit = Edit(at, at + 9, b"total = %d" % chance.randrange(9))
        content = content[: edit.start] + edit.text + content[edit.end :]
        start = time.process_time()
        result = session.update(edit)
        took.append(time.process_time() - start)
        assert [f.code for f in result.findings] == ["LK101"]
    assert sorted(took)[len(took) // 2] < 0.1
