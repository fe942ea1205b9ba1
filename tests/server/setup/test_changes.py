"""`autosota split` on folders: what is listed, and what an accepted change writes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from autosota.server.cli.main import call
from autosota.server.config import load_objective
from autosota.server.errors import UserError
from autosota.server.setup.changes import accept, read_offers, with_settings

PROGRAM = Path(__file__).parents[2] / "agents" / "init" / "split_programs" / "script" / "train.py"
TOML = """# Mine: keep me.
[objective]
command = "python train.py --seed {seed}"   # from the README
metric = "test_accuracy"  # train.py, line 20
select_on = "test_accuracy"  # LK112: nothing measured on validation data was found
direction = "maximize"

[objective.guard.wall_seconds]
max_increase = 0.25  # relative

[budget]
evaluations = 40
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_bytes(PROGRAM.read_bytes())
    (tmp_path / "autosota.toml").write_text(TOML)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "one")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def first_id(workspace: Path, kind: str = "validation-split") -> str:
    found = read_offers(workspace).offers
    return next(o.change.id for o in found if o.change.kind == kind)


def test_listing_shows_diffs_and_writes_nothing(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["split", str(workspace)]) == 0
    out = capsys.readouterr().out
    assert "+X_train, X_val, y_train, y_val = train_test_split(" in out
    assert '+select_on = "val_accuracy"' in out
    assert "new baseline" in out and "not comparable" in out
    assert f"autosota split --apply {first_id(workspace)}" in out
    assert "not offered: split-seed" in out
    assert git(workspace, "status", "--porcelain") == ""
    assert (workspace / "autosota.toml").read_text() == TOML


def test_json_is_one_object(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["split", str(workspace), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [o["kind"] for o in found["offers"]] == ["validation-split", "repeated-validation"]
    assert found["offers"][0]["metric_added"] == "val_accuracy"
    assert found["offers"][0]["files"] == ["autosota.toml", "train.py"]
    assert found["unavailable"][0]["kind"] == "split-seed"


def test_apply_writes_code_and_objective_together(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = (workspace / ".git" / "index").read_bytes()
    head = git(workspace, "rev-parse", "HEAD")
    assert call(["split", str(workspace), "--apply", first_id(workspace)]) == 0
    out = capsys.readouterr().out
    assert "changed autosota.toml" in out and "changed train.py" in out
    assert "next: autosota run" in out
    objective = load_objective(workspace)
    assert objective.select_on == "val_accuracy" and not objective.selects_on_claim
    written = (workspace / "autosota.toml").read_text()
    assert written == TOML.replace(
        '"test_accuracy"  # LK112: nothing measured on validation data was found',
        '"val_accuracy" # set by autosota split',
    )
    assert git(workspace, "rev-parse", "HEAD") == head
    assert (workspace / ".git" / "index").read_bytes() == index
    assert call(["split", str(workspace)]) == 1
    assert "not offered: validation-split: the objective selects on" in capsys.readouterr().out


def test_a_file_that_moved_on_is_refused_and_nothing_is_written(workspace: Path) -> None:
    found = read_offers(workspace)
    offer = found.offers[0]
    edited = (
        PROGRAM.read_text()
        .replace("model.fit(", "model = model.fit(")
        .replace("X, y, test_size=0.3", "X, y, test_size=0.4")
    )
    edited = edited.replace("accuracy = accuracy_score(", "accuracy = 1 * accuracy_score(")
    (workspace / "train.py").write_text(edited)
    with pytest.raises(UserError, match=r"train\.py.*nothing was changed"):
        accept(found, offer)
    assert (workspace / "train.py").read_text() == edited
    assert (workspace / "autosota.toml").read_text() == TOML


def test_an_id_of_other_files_is_refused(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = first_id(workspace)
    with (workspace / "train.py").open("a") as file:
        file.write("# later\n")
    assert call(["split", str(workspace), "--apply", old]) == 2
    err = capsys.readouterr().err
    assert old in err and "type autosota split again" in err and err.count("\n") == 1
    assert (workspace / "autosota.toml").read_text() == TOML


def test_a_kill_between_the_files_is_undone(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal's own promise, through this door: half a change does not stay."""
    from autosota.server.workspace import journal

    found = read_offers(workspace)
    real = journal.os.replace
    done: list[str] = []

    def dies(source: object, target: object) -> None:
        if str(target).endswith(("train.py", "autosota.toml")):
            if done:
                raise KeyboardInterrupt
            done.append(str(target))
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(journal.os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        accept(found, found.offers[0])
    monkeypatch.undo()
    assert done
    read_offers(workspace)
    from autosota.server.workspace.store import GitWorkspace

    with GitWorkspace(workspace) as again:
        again.recover()
    assert (workspace / "train.py").read_bytes() == PROGRAM.read_bytes()
    assert (workspace / "autosota.toml").read_text() == TOML


def test_an_objective_in_pyproject_that_git_ignores(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(PROGRAM.read_bytes())
    (tmp_path / ".gitignore").write_text("pyproject.toml\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"  # a name\n\n[tool.autosota.objective]\n'
        'command = "python train.py --seed {seed}"\nmetric = "test_accuracy"\n'
    )
    git(tmp_path, "init", "-q")
    found = read_offers(tmp_path)
    assert accept(found, found.offers[0]) == ("pyproject.toml", "train.py")
    assert load_objective(tmp_path).select_on == "val_accuracy"
    assert "# a name" in (tmp_path / "pyproject.toml").read_text()


def test_without_git_it_works_as_well(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(PROGRAM.read_bytes())
    (tmp_path / "autosota.toml").write_text(TOML)
    assert call(["split", str(tmp_path), "--apply", first_id(tmp_path, "repeated-validation")]) == 0
    assert b"RepeatedStratifiedKFold(" in (tmp_path / "train.py").read_bytes()


def test_misuse_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["split", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "train.py").write_text("print('METRIC test_accuracy=0.5')\n")
    (tmp_path / "autosota.toml").write_text(TOML)
    assert call(["split", str(tmp_path)]) == 1
    assert "not offered: validation-split: " in capsys.readouterr().out
    assert call(["split", str(tmp_path), "--apply", "x"]) == 2
    assert "nothing is offered here" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        TOML,
        TOML.replace("\n", "\r\n"),
        TOML.replace(
            'select_on = "test_accuracy"  # LK112: nothing measured on validation data was found\n',
            "",
        ),
        'objective = { command = "python t.py", metric = "test_accuracy" }  # short\n',
        "\ufeff" + TOML,
    ],
)
def test_settings_keep_every_other_byte(text: str) -> None:
    content = text.encode()
    new = with_settings(content, "autosota.toml", {"select_on": "val_accuracy"}).decode()
    kept = [line for line in text.splitlines(keepends=True) if "select_on" not in line]
    if "objective = {" not in text:
        assert [x for x in new.splitlines(keepends=True) if "select_on" not in x] == kept
    else:
        assert "# short" in new
    assert new.count("val_accuracy") == 1


def test_a_broken_objective_is_said_in_one_line() -> None:
    with pytest.raises(UserError, match=r"autosota\.toml"):
        with_settings(b"[objective\n", "autosota.toml", {"select_on": "val_accuracy"})
