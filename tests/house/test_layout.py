"""Guards of the layout: a stray file here breaks imports while type checks still pass."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("server", "agents", "lsp", "jupyter_ext")
MAY_IMPORT = {
    "agents": {"agents"},
    "server": {"agents", "server"},
    "lsp": {"agents", "server", "lsp"},
    "jupyter_ext": {"agents", "server", "jupyter_ext"},
}


def modules(floor: str) -> list[Path]:
    return sorted((ROOT / floor / "autosota").rglob("*.py"))


def test_no_stray_init_in_namespace():
    strays = [p for f in FLOORS for p in (ROOT / f, ROOT / f / "autosota")]
    assert [p for p in strays if (p / "__init__.py").exists()] == []


def test_namespace_has_exactly_the_four_roots():
    import autosota

    assert autosota.__file__ is None
    roots = {Path(p).resolve() for p in autosota.__path__}
    assert roots == {ROOT / f / "autosota" for f in FLOORS}


@pytest.mark.parametrize("floor", FLOORS)
def test_every_root_is_typed(floor):
    assert (ROOT / floor / "autosota" / floor / "py.typed").exists()


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_point_down_only(floor):
    wrong = []
    for path in modules(floor):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: relative import"
                names = [node.module or ""]
            for name in names:
                parts = name.split(".")
                if parts[0] == "autosota" and parts[1] not in MAY_IMPORT[floor]:
                    wrong.append(f"{path}: {name}")
    assert wrong == []


def test_agents_touch_the_world_only_through_protocols():
    """No agent opens files, starts processes, reads clocks or the environment."""
    banned = {"subprocess", "os", "shutil", "socket", "sqlite3", "time", "docker", "anthropic"}
    wrong = []
    for path in modules("agents"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                wrong += [f"{path}: {a.name}" for a in node.names if a.name.split(".")[0] in banned]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in banned:
                wrong.append(f"{path}: {node.module}")
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"open", "exec", "eval"}
            ):
                wrong.append(f"{path}:{node.lineno}: {node.func.id}()")
    assert wrong == []


@pytest.mark.parametrize("floor", FLOORS)
def test_every_module_says_what_it_is(floor):
    assert [str(p) for p in modules(floor) if not ast.get_docstring(ast.parse(p.read_text()))] == []


HEAVY = ("anthropic", "docker", "jupyter_client", "jupyter_server", "pygls", "scipy.stats", "torch")


def test_the_command_line_starts_without_heavy_imports():
    code = (
        "import sys; import autosota.server.cli.main; "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_wheel_holds_autosota_only(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {n.split("/")[0] for n in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"autosota"}
    for floor in FLOORS:
        assert f"autosota/{floor}/__init__.py" in names
        assert f"autosota/{floor}/py.typed" in names


def test_lock_files_hold_no_address():
    text = (ROOT / "constraints.txt").read_text()
    assert "==" in text
    assert "://" not in text and "/" not in text
