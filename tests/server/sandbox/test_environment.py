"""Interpreters: named ones, managed ones, and what they say of themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Environment, Objective
from autosota.server.errors import UserError
from autosota.server.sandbox import environment, interpreter, machine, requirements, resolve
from autosota.server.sandbox.bubblewrap import BubblewrapLauncher
from autosota.server.sandbox.permute import ControlNotPossible


def objective(**settings) -> Objective:
    return Objective("c", "m", "m", environment=Environment(**settings))


def wheel(folder: Path, name: str, version: str) -> None:
    """A wheel with one module, written by hand."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    wheel(tmp_path / "wheels", "tinypkg", "1.5")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "PIP_NO_INDEX": "1",
        "PIP_RETRIES": "0",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "PIP_CONFIG_FILE": os.devnull,
        "SECRET_TOKEN": "planted",
    }


def test_a_named_interpreter(tmp_path):
    done = environment.prepare(objective(python=sys.executable), tmp_path, MemoryTree({}))
    assert done.python == Path(sys.executable)
    assert done.interpreter.packages["pytest"] == pytest.__version__
    assert any(Path(sys.prefix).is_relative_to(f) for f in done.folders)
    assert len(done.hash) == 64
    told = machine.describe(done.interpreter)
    assert told.cores >= 1 and told.memory_bytes > 2**28 and told.cpu and told.system
    assert told.libraries["numpy"] == done.interpreter.packages["numpy"]


@pytest.mark.parametrize("name", ["no/such/python", "/bin/sh", "/bin/true"])
def test_a_named_interpreter_that_is_none(tmp_path, name):
    with pytest.raises(UserError, match=r"environment\.python"):
        environment.prepare(objective(python=name), tmp_path, MemoryTree({}))


def test_a_managed_environment_is_built_once(tmp_path, offline):
    tree = MemoryTree(
        {"requirements.txt": b"-r more/dev.txt\n-e .\n", "more/dev.txt": b"tinypkg>=1\n"}
    )
    said: list[str] = []

    def build():
        return environment.prepare(objective(), tmp_path, tree, said.append, environ=offline)

    results = []
    threads = [threading.Thread(target=lambda: results.append(build())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    first, second = results
    assert first == second
    assert first.interpreter.packages["tinypkg"] == "1.5"
    assert "'-e .' left out" in first.notes[0]
    assert sum(line.startswith("building") for line in said) == 1
    folder = first.python.parents[1]
    assert folder.is_relative_to(tmp_path / "home" / ".cache" / "autosota" / "envs")


def test_a_build_that_fails_says_why_and_leaves_nothing(tmp_path, offline):
    offline["PIP_FIND_LINKS"] = "https://user:hunter2@localhost:1/simple"
    said: list[str] = []
    with pytest.raises(UserError, match="no-such-package-here") as caught:
        environment.prepare(
            objective(requirements=("no-such-package-here==1",)),
            tmp_path,
            MemoryTree({}),
            said.append,
            environ=offline,
        )
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value) + "".join(said)
    envs = tmp_path / "home" / ".cache" / "autosota" / "envs"
    assert [p.suffix for p in envs.iterdir()] == [".lock"]


def test_credentials_are_redacted():
    text = "GET https://me:pw@host/x?token=abc&y=1 password=xyz http://ok/path@1"
    assert environment.redact(text) == (
        "GET https://***@host/x?token=***&y=1 password=*** http://ok/path@1"
    )


def test_no_requirements_make_a_bare_python(tmp_path, offline):
    done = environment.prepare(
        objective(), tmp_path, MemoryTree({"setup.py": b""}), environ=offline
    )
    assert done.interpreter.packages == {}
    assert "setup.py is not read" in done.notes[0]
    folder = done.python.parents[1]
    # an unfinished one is never used
    (folder / environment.MARKER).unlink()
    (folder / "half").write_text("")
    again = environment.prepare(
        objective(), tmp_path, MemoryTree({"setup.py": b""}), environ=offline
    )
    assert again == done
    assert not (folder / "half").exists()
    subprocess.run([done.python, "-c", "import json"], check=True)


def test_where_requirements_come_from():
    tree = MemoryTree(
        {
            "requirements.txt": b"a\n",
            "other.txt": b"b\n-c pins/c.txt\n-r https://x/y.txt\n",
            "pins/c.txt": b"c==1 # why\n",
            "pyproject.toml": b'[project]\ndependencies = ["d>1", "e"]\n',
        }
    )
    settle = requirements.gather
    assert settle(Environment(requirements=("x", "y")), tree).files == {
        requirements.FROM_OBJECTIVE: "x\ny\n"
    }
    named = settle(Environment(requirements_file="other.txt"), tree)
    assert sorted(named.files) == ["other.txt", "pins/c.txt"]
    assert settle(Environment(), tree).main == "requirements.txt"
    project = MemoryTree({"pyproject.toml": tree.read("pyproject.toml")})
    assert list(settle(Environment(), project).files.values()) == ["d>1\ne\n"]
    assert settle(Environment(), MemoryTree({"requirements.txt": b"# none\n\n"})).main == ""


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({}, {"requirements_file": "r.txt"}, "r.txt: there is no such"),
        ({"requirements.txt": b"\xff\xfe"}, {}, "requirements.txt: not UTF-8"),
        ({"requirements.txt": b"\n./vendor/x\n"}, {}, "requirements.txt line 2"),
        ({"pyproject.toml": b"[project"}, {}, "pyproject.toml: "),
    ],
)
def test_requirements_that_cannot_be_used(files, settings, message):
    with pytest.raises(UserError, match=message):
        requirements.gather(Environment(**settings), MemoryTree(files))


def test_a_prefix_that_holds_the_workspace_is_not_shown_whole(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path)], check=True)
    found = interpreter.inspect(tmp_path / "bin" / "python")
    shown = interpreter.folders(found, tmp_path)
    assert tmp_path not in shown
    assert {tmp_path / "bin", tmp_path / "lib", tmp_path / "pyvenv.cfg"} <= set(shown)


@pytest.mark.bwrap
def test_modules_that_come_from_elsewhere(tmp_path, prepared):
    work = tmp_path / "work"
    (work / "src" / "pkg").mkdir(parents=True)
    (work / "src" / "pkg" / "__init__.py").write_text("raise SystemExit('imported')")
    (work / "model.py").write_text("")
    (work / "json.py").write_text("")
    (work / "sys.py").write_text("")
    files = ["src/pkg/__init__.py", "model.py", "json.py", "sys.py", "setup.py", "a-b.py"]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{work}:{work}/src"}
    wrong = resolve.modules_resolve(
        BubblewrapLauncher(prepared.folders), prepared.python, work, files, env, tmp_path
    )
    assert wrong == ["sys"]
    env["PYTHONPATH"] = "/nowhere"
    wrong = resolve.modules_resolve(
        BubblewrapLauncher(prepared.folders), prepared.python, tmp_path, files, env, tmp_path
    )
    assert "pkg" in wrong and "model" in wrong


def test_rebuilding_takes_nothing_from_the_first_build(tmp_path, offline):
    tree = MemoryTree({"requirements.txt": b"tinypkg>=1\n"})
    first = environment.prepare(objective(), tmp_path, tree, environ=offline)
    (first.python.parents[1] / "lib" / "by-hand.txt").write_text("not from the requirements")
    with environment.rebuilt(objective(), tmp_path, tree, environ=offline) as again:
        folder = again.python.parents[1]
        assert folder != first.python.parents[1]
        assert not (folder / "lib" / "by-hand.txt").exists()
        assert again.hash == first.hash
        told = subprocess.run(
            [again.python, "-c", "import tinypkg; print(tinypkg.version, tinypkg.__file__)"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert told.startswith(f"1.5 {folder}")
    assert not folder.exists()
    assert first.python.exists()
    # a requirement that is not pinned gives another environment once a newer one is out
    wheel(tmp_path / "wheels", "tinypkg", "1.6")
    folder.mkdir()
    (folder / "left-by-a-killed-driver").write_text("")
    with environment.rebuilt(objective(), tmp_path, tree, environ=offline) as newer:
        assert newer.hash != first.hash
        assert not (folder / "left-by-a-killed-driver").exists()
    assert not folder.exists()


def test_what_cannot_be_rebuilt(tmp_path, offline):
    named = objective(python=sys.executable)
    with (
        pytest.raises(ControlNotPossible, match="an existing interpreter cannot be rebuilt"),
        environment.rebuilt(named, tmp_path, MemoryTree({}), environ=offline),
    ):
        pytest.fail("it was rebuilt")
    missing = objective(requirements=("no-such-package-here==1",))
    with (
        pytest.raises(ControlNotPossible, match="no-such-package-here"),
        environment.rebuilt(missing, tmp_path, MemoryTree({}), environ=offline),
    ):
        pytest.fail("it was rebuilt")
    envs = tmp_path / "home" / ".cache" / "autosota" / "envs"
    assert [p.suffix for p in envs.iterdir()] == [".lock"]
