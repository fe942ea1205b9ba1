"""Which files a search finds: what git ignores, links, pipes, folders that cannot be read."""

from __future__ import annotations

import os
import subprocess

import pytest

from autosota.server.check import files
from autosota.server.check.files import find
from autosota.server.errors import UserError


def found(*paths: str, exclude=()) -> list[str]:
    return [s.shown for s in find(paths or (".",), lambda site: exclude)]


@pytest.fixture
def tree(write):
    def tree(*names: str) -> None:
        for name in names:
            write(name, "x = 1\n")

    return tree


def test_scripts_and_notebooks_in_order(tree):
    tree("b.py", "a/z.ipynb", "a/y.pyw", "a/x.txt", "a/x.pyc", "c.py/d.py", "B.py")
    assert found() == ["B.py", "a/y.pyw", "a/z.ipynb", "b.py", "c.py/d.py"]
    assert found("b.py", "a", ".", "./b.py") == [
        "b.py",
        "a/y.pyw",
        "a/z.ipynb",
        "B.py",
        "c.py/d.py",
    ]
    assert found("a/x.txt") == ["a/x.txt"]  # whoever names a file wants it


def test_environments_and_caches_are_left_out_but_not_when_named(tree, place):
    for name in (".venv", "node_modules", "build", "__pycache__", ".ipynb_checkpoints", ".git"):
        tree(f"{name}/a.py", f"sub/{name}/a.py")
    tree("other/pyvenv.cfg", "other/a.py", "env/a.py")
    assert found() == [
        "env/a.py"
    ]  # an `env` without pyvenv.cfg is code, as in reinforcement learning
    assert found("build", "other") == ["build/a.py", "other/a.py"]


def _git(place, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", place, *arguments], capture_output=True, check=False, text=True
    )
    return done.stdout


@pytest.mark.parametrize("start", [".", "sub"])
def test_as_git_ignores(tree, write, place, start):
    names = ["a.py", "out/b.py", "sub/c.py", "sub/keep.py", "sub/gen/d.py", "sub/deep/gen/e.py",
             "sub/made_1.py", "sub/made_2.py", "sub/own/f.py", "sub/own/g.py", "x/sub/h.py",
             "sub/private.py", "sub/own/kept/h.py"]  # fmt: skip
    _git(place, "init", "-q")
    tree(*names)
    write(".gitignore", "/out/\nmade_*.py\n!made_2.py\nkeep.py\n\\!odd\n")
    write("sub/.gitignore", "!keep.py\n/gen\n")
    write("sub/own/.gitignore", "*\n!g.py\n!kept/\n")
    write(".git/info/exclude", "private.py\n")
    listed = _git(place, "ls-files", "--others", "--exclude-standard", start).splitlines()
    assert sorted(found(start)) == sorted(n for n in listed if n.endswith(".py"))
    assert "sub/keep.py" in listed and "sub/own/g.py" in listed and "sub/c.py" in listed


def test_an_ignored_folder_that_is_named_is_searched(tree, write, place):
    _git(place, "init", "-q")
    tree("data/prep/a.py", "b.py")
    write(".gitignore", "data/\n")
    assert found() == ["b.py"]
    assert found("data") == found("data/prep") == ["data/prep/a.py"]


def test_lines_that_git_passes_over(tree, write):
    tree("a.py", "b.py")
    write(".gitignore", b"!\n\xff\xfe\nb.py\n")
    assert found() == ["a.py"]


def test_exclude_counts_from_the_settings(write, run, leak):
    for name in ("src/old/a.py", "src/new/a.py", "old/a.py"):
        write(name, leak)
    write("pyproject.toml", '[tool.autosota.check]\nexclude = ["/src/old"]\n')
    assert run("--format", "json").found == [("old/a.py", "LK107"), ("src/new/a.py", "LK107")]
    assert run("src", "--format", "json").found == [("src/new/a.py", "LK107")]


def test_links(tree, place):
    tree("a/x.py", "a/b/y.py")
    (place / "a" / "loop").symlink_to(place / "a", target_is_directory=True)
    (place / "a" / "self.py").symlink_to(place / "a" / "self.py")
    (place / "a" / "gone.py").symlink_to(place / "nowhere.py")
    (place / "link").symlink_to(place / "a", target_is_directory=True)
    assert found() == ["a/b/y.py", "a/x.py"]
    assert found("link") == ["link/b/y.py", "link/x.py"]
    with pytest.raises(UserError, match=r"self\.py"):
        found("a/self.py")


def test_a_pipe_and_a_folder_that_look_like_scripts(tree, place, run):
    os.mkfifo(place / "pipe.py")
    os.mkfifo(place / ".gitignore")  # reading it would wait for ever
    tree("folder.py/train.py")
    assert found() == ["folder.py/train.py"]
    assert run("pipe.py") == (2, "", "autosota: pipe.py: neither a file nor a folder\n")


def test_a_folder_that_cannot_be_read_is_told(tree, write, run, place, monkeypatch, leak):
    tree("shut/a.py")
    write("z.py", leak)
    real = os.scandir

    def scandir(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(files.os, "scandir", scandir)
    told = run("--format", "json")
    assert (told.code, told.found) == (2, [("shut", "NB899"), ("z.py", "LK107")])
    assert told.rows[0]["message"] == "the folder cannot be read: permission denied"


def test_names_that_are_no_text(place, run, leak):
    name = os.fsencode(str(place)) + b"/caf\xe9.py"
    with open(name, "w") as file:
        file.write(leak)
    (place / "two\nlines.py").write_text(leak)
    for form in ("text", "json", "sarif", "github"):
        code, out, _ = run("--format", form)
        assert code == 1 and "LK107" in out
    assert run("--format", "github").out.count("\n") == 2


def test_one_workspace_below_a_folder_without_marks(tree, place):
    tree(
        "pkg/a.py", "pkg/deep/b.py", "own/autosota.toml", "own/c.py", "repo/.git/HEAD", "repo/d.py"
    )
    roots = {s.shown: os.path.relpath(s.site.root, place) for s in find(["."])}
    assert roots == {"pkg/a.py": ".", "pkg/deep/b.py": ".", "own/c.py": "own", "repo/d.py": "repo"}
