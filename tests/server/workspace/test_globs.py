from __future__ import annotations

from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.workspace.globs import expand, match


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("data/**", "data/a", True),
        ("data/**", "data/a/b c.é", True),
        ("data/**", "data", False),
        ("data/**", "database/a", False),
        ("data/**", "x/data/a", False),
        ("data", "data/a/b", True),
        ("data/", "data/a", True),
        ("./data", "data/a", True),
        ("*.csv", "a.csv", True),
        ("*.csv", ".csv", True),
        ("*.csv", "x/a.csv", False),
        ("*.csv", "a.csv.gz", False),
        ("**/*.csv", "a.csv", True),
        ("**/*.csv", "x/y/a.csv", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/xb", False),
        ("**", "anything/at/all", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[!a-c]x", "/x", False),
        ("[]x]y", "]y", True),
        ("a[b", "a[b", True),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        ("a.b", "axb", False),
        ("line\nend", "line\nend", True),
        ("*", "two\nlines", True),
    ],
)
def test_match(pattern: str, path: str, expected: bool) -> None:
    assert match(path, [pattern]) is expected


def test_no_pattern_matches_nothing() -> None:
    assert not match("a", [])
    assert match("b", ["a", "b"])


@pytest.mark.parametrize(
    "pattern", ["/etc/*", "~/x", "C:\\x", "a/../b", "..", "", "./", "!a", "a\0"]
)
def test_patterns_that_are_refused(pattern: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the glob"):
        match("a", [pattern])
    with pytest.raises(UserError, match="the glob"):
        expand(tmp_path, [pattern])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "data/a.csv",
        "data/deep/é b.csv",
        "data/.git/HEAD",
        ".git/config.csv",
        ".autosota/ledger.csv",
        "cache/x.csv",
        "top.csv",
    ):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    root = tmp_path / "root"
    (root / ".gitignore").write_text("data/\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "f.csv").write_text("")
    (root / "linked").symlink_to(tmp_path / "far")
    return root


def test_expand(folder: Path) -> None:
    assert expand(folder, ["data/**"]) == ["data/a.csv", "data/deep/é b.csv"]
    assert expand(folder, ["data", "top.csv"]) == ["data/a.csv", "data/deep/é b.csv", "top.csv"]
    assert expand(folder, ["*.csv"]) == ["top.csv"]
    assert expand(folder, ["none/**", "absent"]) == []
    every = ["cache/x.csv", "data/a.csv", "data/deep/é b.csv", "top.csv"]
    assert expand(folder, ["**/*.csv"]) == every


def test_expand_never_looks_into_git_or_our_state(folder: Path) -> None:
    found = expand(folder, ["**", ".git/**", ".autosota/**", "data/.git/**"])
    assert not [p for p in found if ".git/" in p or ".autosota/" in p]


def test_links_are_followed_only_when_spelled_out(folder: Path) -> None:
    assert "linked" in expand(folder, ["**"])
    assert "linked/f.csv" not in expand(folder, ["**/*.csv"])
    assert expand(folder, ["linked/**"]) == ["linked/f.csv"]
    (folder / "loop").symlink_to(".")
    assert "loop" in expand(folder, ["**"])
