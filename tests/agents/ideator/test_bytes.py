"""Every byte that an idea does not name is kept, however the file is laid out."""

from __future__ import annotations

import ast
import io
import random
import re
import tokenize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosota.agents.code.tree import MemoryTree
from autosota.agents.ideator import implement

SAMPLES = ("logistic", "forest", "zoo", "regression", "ridge", "convnet", "steps", "flat")


def outcomes(bench, code: bytes) -> dict[str, bytes]:
    """The file after each idea, by the idea's id."""
    tree = MemoryTree({"train.py": code})
    return {i.id: implement(i, tree).changes["train.py"] for i in bench.ideas(code)}


def crlf(code: bytes) -> bytes:
    return code.replace(b"\n", b"\r\n")


def tabs(code: bytes) -> bytes:
    return re.sub(rb"(?m)^( {4})+", lambda m: b"\t" * (len(m[0]) // 4), code)


def bom(code: bytes) -> bytes:
    return b"\xef\xbb\xbf" + code


def no_last_newline(code: bytes) -> bytes:
    return code.rstrip(b"\n")


def header(code: bytes) -> bytes:
    return b"#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n# Stra\xc3\x9fe\n" + code


@pytest.mark.parametrize("layout", [crlf, tabs, bom, no_last_newline, header])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_layout_survives_every_idea(name, layout, bench, sample):
    code = sample(name).encode()
    plain, laid_out = outcomes(bench, code), outcomes(bench, layout(code))
    assert {k: layout(v) for k, v in plain.items()} == laid_out


def ends_of_lines(code: str) -> list[int]:
    """The indices of lines that end a statement: a comment may follow there."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return sorted({t.start[0] - 1 for t in tokens if t.type == tokenize.NEWLINE})


def decorate(code: str, chooser: random.Random) -> str:
    """Random comments after statements, comment lines and blank lines before them."""
    lines = code.split("\n")
    ends = set(ends_of_lines(code))
    starts = {0, *(e + 1 for e in ends)}
    out = []
    for index, line in enumerate(lines):
        if index in starts and index > 0 and chooser.random() < 0.2:
            out.append(f"#zz {chooser.randrange(100)} é")
        if index in ends and "#" not in line and chooser.random() < 0.3:
            line += f"  #zz {chooser.randrange(100)}"
        out.append(line)
    return "\n".join(out)


def undecorate(code: str) -> str:
    return re.sub(r"  #zz \d+", "", re.sub(r"(?m)^#zz \d+ é\n", "", code))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(SAMPLES), seed=st.integers(0, 2**32), windows=st.booleans())
def test_comments_around_the_edits_survive(name, seed, windows, bench, sample):
    code = sample(name)
    decorated = decorate(code, random.Random(seed))
    ast.parse(decorated)
    assert undecorate(decorated) == code
    layout = crlf if windows else bytes
    plain = outcomes(bench, code.encode())
    for id_, after in outcomes(bench, layout(decorated.encode())).items():
        if windows:
            assert after.count(b"\n") == after.count(b"\r\n")
        text = after.replace(b"\r\n", b"\n").decode()
        assert undecorate(text) == plain[id_].decode()
        # A removed import may take the comment on its line along; no other comment is lost.
        assert decorated.count("#zz") - text.count("#zz") <= 2


def test_the_anchors_say_what_was_changed(bench, sample):
    code = sample("steps")
    idea = next(i for i in bench.ideas(code) if i.transformation == "label-smoothing")
    (anchor,) = implement(idea, bench.tree(code)).anchors
    assert (anchor.symbol, anchor.node) == ("train", "call")
    assert anchor.before == "nn.CrossEntropyLoss()"
    assert anchor.after == "nn.CrossEntropyLoss(label_smoothing=0.1)"


def test_files_that_are_not_utf8_are_left_alone(bench, sample):
    code = b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + sample("logistic").encode()
    assert bench.ideas(code) == []
