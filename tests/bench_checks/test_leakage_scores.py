"""The leakage bench counts what it says: by class, after reading, by exact call, by half."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
LEAKY = """from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
X = StandardScaler().fit_transform(X)
Xtr, Xte, ytr, yte = train_test_split(X, y)
m = LogisticRegression()
m.fit(Xtr, ytr)
print(m.score(Xte, yte))
"""
CLEAN = LEAKY.replace("X = StandardScaler().fit_transform(X)", "")
HEAD = ["file", "code", "line", "verdict", "reason"]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("leakage_bench", BENCH / "leakage.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four notebooks: rightly and wrongly labelled, leaky and clean."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "scripts").mkdir()
    labels = [["file", "overlap", "preprocessing", "half"]]
    for name, text, label in (
        ("hit.py", LEAKY, "1"),
        ("false.py", LEAKY, "0"),
        ("missed.py", CLEAN, "1"),
        ("clean.py", CLEAN, "0"),
    ):
        (tmp_path / "notebooks" / name).write_text(text)
        labels.append([name, "0", label, "dev"])
    write(tmp_path / "notebook-leakage-labels.csv", labels)
    (tmp_path / "leaky-fit-calls.json").write_text("{}")
    return tmp_path


def write(path: Path, rows: list[list[str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def line(bench: ModuleType, folder: Path, start: str) -> str:
    lines: list[str] = list(bench.report(folder, "dev", None))
    return next(x for x in lines if x.strip().startswith(start))


def test_raw_figures_take_the_labels_as_they_are(bench: ModuleType, folder: Path) -> None:
    text = line(bench, folder, "preprocessing, raw")
    assert "precision 0.500 [0.09, 0.91] (1/2)" in text
    assert "recall 0.500 [0.09, 0.91] (1/2)" in text
    assert "errors alone: precision no cases" in text
    assert line(bench, folder, "disagreements").endswith("read: 2")


def test_what_was_read_changes_only_what_it_is_about(bench: ModuleType, folder: Path) -> None:
    said = [HEAD, ["false.py", "LK101", "4", "right", "the scaler sees the test rows"]]
    write(folder / "adjudication" / "dev.csv", said)
    text = line(bench, folder, "preprocessing, read")
    assert "(2/2)" in text and "recall 0.667" in text
    said.append(["missed.py", "preprocessing", "0", "label", "nothing is fitted"])
    write(folder / "adjudication" / "dev.csv", said)
    assert "recall 1.000" in line(bench, folder, "preprocessing, read")
    assert "recall 0.500" in line(bench, folder, "preprocessing, raw")
    said[1][3] = "wrong"
    write(folder / "adjudication" / "dev.csv", said)
    assert "precision 0.500" in line(bench, folder, "preprocessing, read")


def test_a_verdict_that_is_none_is_named(bench: ModuleType, folder: Path) -> None:
    write(folder / "adjudication" / "dev.csv", [HEAD, ["hit.py", "LK101", "4", "maybe", ""]])
    with pytest.raises(ValueError, match="'maybe'"):
        list(bench.report(folder, "dev", None))


def test_calls_of_fit_are_counted_by_line(bench: ModuleType, folder: Path) -> None:
    label = {"kind": "preprocessing", "leaky_fit_calls": ["LogisticRegression.fit"], "leak": True}
    (folder / "leaky-fit-calls.json").write_text(json.dumps({"test1.py": label}))
    (folder / "scripts" / "test1.py").write_text("\n" * 10 + LEAKY)  # its fit is in line 17
    _, calls = bench.scripts(folder, bench.HALVES)
    assert (calls.labelled, calls.found, calls.named, calls.right) == (1, 1, 1, 1)
    (folder / "scripts" / "test1.py").write_text("\n" * 11 + LEAKY)
    _, calls = bench.scripts(folder, bench.HALVES)
    assert (calls.labelled, calls.found, calls.right) == (1, 0, 0)
    other = [h for h in bench.HALVES if h != bench.half_of("test1.py")]
    assert bench.scripts(folder, other)[0] == []


def test_labels_of_selection_on_test_are_whole(bench: ModuleType) -> None:
    with (BENCH / "multi_test_labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 140 and len({r["sha256"] for r in rows}) == len(rows)
    for row in rows:
        assert row["multi"] in ("0", "1", "v", "?") and row["reason"]
        assert row["half"] == ("dev" if int(row["sha256"][:8], 16) % 2 == 0 else "validation")
        assert bool(row["line"]) == (row["multi"] in ("1", "v")), row["id"]


def test_without_the_folder_it_says_so(
    bench: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUTOSOTA_LEAKAGE_DATA", raising=False)
    bench.main([])
    assert capsys.readouterr().out.startswith("not measured")
