from __future__ import annotations

import ast
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.ideator import NotApplicable, implement
from autosota.agents.ideator.pieces import reduce, take_apart

LINES = st.sampled_from(
    [
        b"",
        b"x = 1",
        b"y = 2",
        b"    x = \xc3\xa9",
        b"import a",
        b"from b import c, d",
        b"use(a, c)",
        b"def f(a):",
        b"\tpass",
        b"(",
        b")",
        b"'''",
        b"\xe2\x80\xa8",
        b"\r",
    ]
)
CONTENT = st.builds(
    lambda lines, newline, last: newline.join(lines) + (newline if last else b""),
    st.lists(LINES, max_size=9),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
)
FILES = st.dictionaries(
    st.sampled_from(["a.py", "b.py", "data.csv"]), CONTENT | st.binary(max_size=6), max_size=3
)


def rebuilt(base: MemoryTree, changes: dict[str, bytes | None]) -> dict[str, bytes]:
    tree = PatchedTree(base, changes)
    return {path: tree.read(path) for path in tree.files()}


@settings(max_examples=300, deadline=None)
@given(FILES, FILES, st.data())
def test_any_pieces_can_be_left_out(before, after, data):
    base, whole = MemoryTree(before), MemoryTree(after)
    pieces = take_apart(base, whole)
    ids = [piece.id for piece in pieces]
    assert len(set(ids)) == len(ids)
    assert pieces == take_apart(base, whole)
    assert rebuilt(base, reduce(base, whole, [])) == after
    assert rebuilt(base, reduce(base, whole, ids)) == before
    dropped = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    kept = set(ids) - dropped
    partly = MemoryTree(rebuilt(base, reduce(base, whole, dropped)))
    # What is left out of one half is all of the other: together they say the whole change.
    other = MemoryTree(rebuilt(base, reduce(base, whole, kept)))
    sizes = [sum(map(len, files.values())) for files in (before, after)]
    sizes += [sum(len(tree.read(p)) for p in tree.files()) for tree in (partly, other)]
    assert sizes[0] + sizes[1] == sizes[2] + sizes[3]


def test_hunks_are_pieces_with_titles_from_the_base():
    base = MemoryTree({"train.py": b"a = 1\nkeep = 0\nb = 2\nkeep = 1\nc = 3\n"})
    whole = MemoryTree({"train.py": b"a = 10\nkeep = 0\nb = 2\nkeep = 1\n" + b"d" * 90 + b"\n"})
    first, second = take_apart(base, whole)
    assert (first.path, first.line, first.title) == ("train.py", 1, "train.py:1: a = 10")
    assert second.line == 5
    assert (len(second.title), second.title[:14]) == (80, "train.py:5: dd")
    assert reduce(base, whole, [second.id]) == {
        "train.py": b"a = 10\nkeep = 0\nb = 2\nkeep = 1\nc = 3\n"
    }
    with pytest.raises(ValueError, match="not a piece of this change: train-9"):
        reduce(base, whole, ["train-9"])


def test_whole_files_come_and_go_as_one_piece():
    base = MemoryTree({"old.py": b"a\n\nb\n", "same.py": b"s\n", "x.bin": b"\xff\n\n1"})
    whole = MemoryTree({"new.py": b"", "same.py": b"s\n", "x.bin": b"\xff\n\n2"})
    pieces = {p.path: p for p in take_apart(base, whole)}
    assert [p.title for p in pieces.values()] == ["add new.py", "remove old.py", "replace x.bin"]
    assert reduce(base, whole, [pieces["old.py"].id]) == {"new.py": b"", "x.bin": b"\xff\n\n2"}
    assert reduce(base, whole, [pieces["new.py"].id])["old.py"] is None


def apart(before: str, after: str) -> list[str]:
    """The titles, without the file's name."""
    trees = (MemoryTree({"t.py": code.encode()}) for code in (before, after))
    return [piece.title.removeprefix("t.py:") for piece in take_apart(*trees)]


def test_an_import_goes_with_the_only_hunk_that_uses_it():
    before = "import z\n\nm = Ridge()\nq = 0\nn = 1\n"
    one = "import a\nimport b\nimport z\n\nm = a.Ridge()\nq = 0\nn = b.two()\n"
    assert apart(before, one) == ["3: m = a.Ridge()", "5: n = b.two()"]
    both = "import a\nimport z\n\nm = a.Ridge()\nq = 0\nn = a.two()\n"
    assert apart(before, both) == ["1: import a", "3: m = a.Ridge()", "5: n = a.two()"]


def test_an_import_that_was_replaced_goes_with_what_needed_it():
    before = "from m import Old\n\nx = Old()\ny = 1\nz = 2\n"
    after = "from m import New\n\nx = New()\ny = 1\nz = 3\n"
    assert apart(before, after) == ["3: x = New()", "5: z = 3"]


def test_an_import_over_several_lines_goes_with_its_use_too():
    before = "from m import (\n    A,\n    B,\n)\nk = 0\nx = A()\n"
    after = "from m import (\n    A,\n    B,\n    C,\n)\nk = 0\nx = C()\n"
    assert apart(before, after) == ["6: x = C()"]


def test_a_new_name_goes_with_the_only_hunk_that_reads_it():
    before = "o = make()\nk = 0\nfor i in r:\n    o.step()\nk = 1\nlast = 2\n"
    after = (
        "o = make()\ns = plan(o)\nk = 0\nfor i in r:\n    o.step()\n    s.step()\nk = 1\nlast = 3\n"
    )
    assert apart(before, after) == ["2: s = plan(o)", "6: last = 3"]


def test_the_two_ends_of_a_statement_stay_together():
    before = "x = f(\n    1,\n    2,\n)\nk = 0\ny = 1\n"
    after = "x = g(f(\n    1,\n    2,\n))\nk = 0\ny = 2\n"
    assert apart(before, after) == ["1: x = g(f(", "6: y = 2"]


def test_blank_lines_are_no_piece_of_their_own():
    assert apart("a\nk\nb\nc\n", "A\nk\n\nb\nc\n") == ["1: A"]


def test_stacked_ideas_come_apart_into_changes_that_parse(bench, each_sample):
    """As many ideas as go together: what is left without one piece, or with one, parses."""
    tree = stacked = bench.tree(each_sample)
    for idea in bench.ideas(each_sample):
        try:
            stacked = MemoryTree(implement(idea, stacked).changes)
        except NotApplicable:
            continue
    pieces = take_apart(tree, stacked)
    assert len(pieces) >= (5 if "import torch" in each_sample else 1)
    for piece in pieces:
        others = [p.id for p in pieces if p is not piece]
        for dropped in ([piece.id], others):
            ast.parse(reduce(tree, stacked, dropped).get("train.py", b""))


def test_two_ideas_come_apart_into_themselves(bench, sample):
    code = sample("convnet")
    ideas = {i.transformation: i for i in bench.ideas(code)}
    tree = bench.tree(code)
    for one, other in itertools.permutations(["cosine-schedule", "clip-gradients"], 2):
        alone = implement(ideas[one], tree).changes
        both = MemoryTree(implement(ideas[other], MemoryTree(alone)).changes)
        pieces = take_apart(tree, both)
        assert len(pieces) == 2
        assert alone in [reduce(tree, both, [piece.id]) for piece in pieces]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("kept", list(itertools.product([False, True], repeat=3)))
def test_each_subset_is_what_a_person_would_write(kept, newline):
    def text(*lines: str) -> MemoryTree:
        return MemoryTree({"t.csv": newline.join(line for line in lines if line).encode()})

    base, whole = text("a", "k", "", "l", "c"), text("A", "k", "b", "l", "C")
    ids = [piece.id for piece in take_apart(base, whole)]
    wanted = text("A" if kept[0] else "a", "k", "b" if kept[1] else "", "l", "cC"[kept[2]])
    dropped = [id_ for id_, keep in zip(ids, kept, strict=True) if not keep]
    assert rebuilt(base, reduce(base, whole, dropped)) == {"t.csv": wanted.read("t.csv")}
