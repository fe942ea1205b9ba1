from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.workspace.root import find_root, prepare_state, state_dir, storage_error


def test_nearest_objective_wins_over_git_top(repo: Path) -> None:
    inner = repo / "src" / "deep"
    inner.mkdir()
    assert find_root(inner) == repo
    (repo / "src" / "autosota.toml").write_text("")
    assert find_root(inner) == repo / "src"
    assert find_root(repo) == repo


def test_objective_above_the_git_top(tmp_path: Path, make: Callable[..., Path]) -> None:
    inner = make(tmp_path / "outer" / "repo")
    (tmp_path / "outer" / "pyproject.toml").write_text("[tool.autosota.objective]\nmetric='a'\n")
    assert find_root(inner / "train.py") == tmp_path / "outer"


def test_pyproject_of_other_tools_is_no_objective(repo: Path) -> None:
    (repo / "src" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 9\n")
    assert find_root(repo / "src") == repo


def test_broken_pyproject_that_means_to_hold_it(repo: Path) -> None:
    (repo / "src" / "pyproject.toml").write_text("[tool.autosota]\nmetric = \n")
    assert find_root(repo / "src") == repo / "src"


def test_folder_without_git_is_itself(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    (folder / ".git").mkdir(parents=True)  # an empty one is none
    assert find_root(folder) == folder


def test_missing_start(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: there is no such"):
        find_root(tmp_path / "nowhere")


def test_state_is_hidden_from_git(repo: Path, git: Callable[..., str]) -> None:
    assert prepare_state(repo) == state_dir(repo)
    assert git(repo, "status", "--porcelain") == ""
    prepare_state(repo)  # again: fine


def test_state_in_the_way(repo: Path) -> None:
    (repo / ".autosota").write_text("")
    with pytest.raises(UserError, match="is not a folder"):
        prepare_state(repo)


def test_state_that_is_a_link(repo: Path, tmp_path: Path) -> None:
    (repo / ".autosota").symlink_to(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        prepare_state(repo)


@pytest.mark.parametrize("what", ["workspace", "state", "store"])
def test_read_only_workspace_is_one_clear_line(
    shared_repo: Path, what: str, as_other: Callable[[Path], str]
) -> None:
    place = {"workspace": shared_repo, "state": shared_repo / ".autosota"}.get(what)
    if what != "workspace":
        prepare_state(shared_repo)
    if what == "store":
        place = shared_repo / ".autosota" / "store.git"
        place.mkdir()
    assert place is not None
    place.chmod(0o555)
    try:
        said = as_other(shared_repo)
    finally:
        place.chmod(0o755)
    assert said.count("\n") == 0 and "cannot write" in said
    assert "permission denied; make the folder writable" in said


def test_full_disk_says_so() -> None:
    error = storage_error(Path("/x"), OSError(28, os.strerror(28)))
    assert str(error) == "cannot write /x: no space left on device; free some disk space"
