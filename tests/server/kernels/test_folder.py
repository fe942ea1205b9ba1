"""Which folder of this machine a kernel sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosota.server.errors import UserError
from autosota.server.kernels.folder import Bind, seen
from autosota.server.kernels.options import Extra, Options


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "ada"
    folder.mkdir(parents=True)
    return folder


def test_the_workspace_of_a_notebook_is_mounted_at_its_own_place(home: Path):
    root = home / "paper"
    (root / "notebooks").mkdir(parents=True)
    (root / "autosota.toml").write_text("")
    view = seen(Options(), root / "notebooks", home)
    assert view.workspace == root
    assert view.cwd == str(root / "notebooks")
    assert view.binds[0] == Bind(root, root, True)


def test_git_and_the_objective_are_read_only_and_our_state_is_hidden(home: Path):
    root = home / "paper"
    (root / ".git").mkdir(parents=True)
    (root / ".git/HEAD").write_text("ref: refs/heads/main")
    (root / ".autosota").mkdir()
    (root / "autosota.toml").write_text("")
    view = seen(Options(), root, home)
    read_only = {bind.target for bind in view.binds if not bind.writable}
    assert read_only == {root / ".git", root / "autosota.toml"}
    assert view.hidden == (root / ".autosota",)


def test_a_linked_git_folder_is_not_followed(home: Path):
    root = home / "paper"
    root.mkdir()
    (root / "autosota.toml").write_text("")
    (root / ".git").symlink_to(home)
    (root / ".autosota").symlink_to(home)
    view = seen(Options(), root, home)
    assert all(bind.source.is_relative_to(root) for bind in view.binds)
    assert [bind.target.name for bind in view.binds] == ["paper", "autosota.toml"]
    assert view.hidden == ()


@pytest.mark.parametrize("folder", ["home", "above", "/", "/etc", "/tmp", "/usr", "/proc/self"])
def test_folders_with_keys_or_the_system_are_refused(home: Path, folder: str):
    place = {"home": home, "above": home.parent}.get(folder, Path(folder))
    for options in (Options(), Options(workspace=str(place))):
        with pytest.raises(UserError, match="not mounted into a kernel"):
            seen(options, place, home)


def test_a_home_that_is_a_repository_is_no_workspace_for_what_lies_in_it(home: Path):
    (home / ".git").mkdir()
    (home / ".git/HEAD").write_text("ref: refs/heads/main")
    (home / "paper").mkdir()
    view = seen(Options(), home / "paper", home)
    assert view.workspace == home / "paper"


def test_the_name_that_the_user_knows_leads_to_the_same_files(home: Path, tmp_path: Path):
    (home / "paper/sub").mkdir(parents=True)
    (home / "paper/autosota.toml").write_text("")
    (tmp_path / "link").symlink_to(home)
    view = seen(Options(), tmp_path / "link/paper/sub", home)
    assert view.cwd == str(tmp_path / "link/paper/sub")
    writable = {bind.target: bind.source for bind in view.binds if bind.writable}
    assert writable == {
        home / "paper": home / "paper",
        tmp_path / "link/paper": home / "paper",
    }
    read_only = {bind.target for bind in view.binds if not bind.writable}
    assert read_only == {home / "paper/autosota.toml", tmp_path / "link/paper/autosota.toml"}


def test_without_a_workspace_nothing_but_the_extra_mounts_is_seen(home: Path):
    data = home / "data"
    data.mkdir()
    options = Options(workspace="none", mounts=(Extra(data, Path("/data")),))
    view = seen(options, home, home)
    assert (view.workspace, view.cwd) == (None, "/tmp")
    assert view.binds == (Bind(data, Path("/data"), False),)


def test_a_workspace_that_is_named_is_where_the_kernel_starts(home: Path):
    (home / "a").mkdir()
    (home / "b").mkdir()
    view = seen(Options(workspace=str(home / "a")), home / "b", home)
    assert (view.workspace, view.cwd) == (home / "a", str(home / "a"))


def test_a_workspace_that_does_not_exist_is_told(home: Path):
    with pytest.raises(UserError, match=r"missing: no such folder"):
        seen(Options(workspace=str(home / "missing")), home, home)
