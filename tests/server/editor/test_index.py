"""The index of a workspace: who imports whom."""

from __future__ import annotations

from autosota.server.editor.index import Index

FILES = {
    "train.py": "from pkg import model\nfrom pkg.data import (\n    load,\n)\nimport helper, os\n"
    "if __name__ == '__main__':\n    pass\n",
    "helper.py": "import pkg.sub.deep as d\n",
    "pkg/__init__.py": "",
    "pkg/model.py": "from . import layers\nfrom .sub import deep\n",
    "pkg/layers.py": "",
    "pkg/data.py": "def load():\n    import pkg.lazy\n",
    "pkg/lazy.py": "",
    "pkg/sub/__init__.py": "",
    "pkg/sub/deep.py": "from ..layers import Layer\n",
    "alone.py": "import numpy\n",
    ".venv/lib/x.py": "import train\n",
}


def index_of(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    index = Index(str(tmp_path))
    index.build()
    return index


def test_imports_are_found_however_they_are_written(tmp_path):
    index = index_of(tmp_path)
    assert index.paths == {n for n in FILES if not n.startswith(".venv")}
    assert index.imported("train.py") == {
        "pkg/__init__.py", "pkg/model.py", "pkg/data.py", "helper.py",
    }  # fmt: skip
    assert index.imported("pkg/model.py") == {
        "pkg/__init__.py", "pkg/layers.py", "pkg/sub/__init__.py", "pkg/sub/deep.py",
    }  # fmt: skip
    assert index.imported("pkg/data.py") == {"pkg/lazy.py"}
    assert index.entries == {"train.py"}


def test_what_a_script_reaches(tmp_path):
    index = index_of(tmp_path)
    assert index.closure(["train.py"]) == index.paths - {"alone.py"}
    assert index.closure(["alone.py", "none.py"]) == {"alone.py"}
    assert len(index.closure(["train.py"], most=3)) >= 3


def test_a_changed_file_is_read_again(tmp_path):
    index = index_of(tmp_path)
    (tmp_path / "alone.py").write_text("import helper\n")
    index.changed("alone.py")
    assert index.imported("alone.py") == {"helper.py"}
    (tmp_path / "helper.py").unlink()
    index.changed("helper.py")
    assert index.imported("alone.py") == frozenset()
    (tmp_path / "new.py").write_text("import alone\nif __name__ == '__main__':\n    pass\n")
    index.changed("new.py")
    assert index.imported("new.py") == {"alone.py"}
    assert "new.py" in index.entries


def test_who_imports_a_file(tmp_path):
    index = index_of(tmp_path)
    assert index.importers("pkg/layers.py") == {"pkg/model.py", "pkg/sub/deep.py"}
