from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from autosota.agents.domain import Purpose
from autosota.server.errors import UserError
from autosota.server.ledger.codec import decode_receipt, receipt_hash
from autosota.server.report.export import export
from autosota.server.report.html import render

PATCH = "--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-C = 1.0\n+C = 0.1\n"


def write_tree(folder: Path) -> None:
    (folder / "train.py").write_text("C = 0.1\n")


def exported(told, destination: Path, diff: str = PATCH, tree=write_tree) -> list[str]:
    html = render(told.history, told.receipts)
    return export(destination, told.state, told.receipts, diff, tree, html)


def tree_of(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_folder_holds_repository_patch_receipts_and_report(confirmed, tmp_path):
    target = tmp_path / "mit Leerzeichen é" / "out"
    lines = exported(confirmed, target)
    found = tree_of(target)
    assert {"repository/train.py", "improvement.patch", "report.html", "README.md"} <= found
    receipts = {p for p in found if p.startswith("receipts/")}
    assert receipts == {f"receipts/{name}.json" for name in confirmed.receipts}
    assert (target / "improvement.patch").read_text() == PATCH
    assert lines[0].startswith("Confirmed +") and lines[-1] == f"Exported to {target}"
    assert [p.name for p in target.parent.iterdir()] == ["out"]


def test_exported_receipts_hash_to_what_the_ledger_holds(confirmed, tmp_path):
    exported(confirmed, tmp_path / "out")
    for run in confirmed.state.runs:
        text = (tmp_path / "out" / "receipts" / f"{run.run_id}.json").read_bytes()
        assert receipt_hash(decode_receipt(text.strip())) == run.receipt


def test_the_patch_applies_to_the_base_and_gives_the_repository(confirmed, tmp_path):
    exported(confirmed, tmp_path / "out")
    base = tmp_path / "base"
    base.mkdir()
    (base / "train.py").write_text("C = 1.0\n")
    patch = tmp_path / "out" / "improvement.patch"
    subprocess.run(["git", "apply", str(patch)], cwd=base, check=True, timeout=30)
    mine = (tmp_path / "out" / "repository" / "train.py").read_bytes()
    assert (base / "train.py").read_bytes() == mine


def test_the_readme_has_the_numbers_and_the_caveats(confirmed, tmp_path):
    exported(confirmed, tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    result = confirmed.state.confirmation.comparison
    assert f"+{result.low:.4f} to +{result.high:.4f}" in text
    assert "permuted labels control not run" in text
    assert "git apply --check improvement.patch" in text
    assert confirmed.state.start.base_commit in text
    assert "autosota verify receipts/*.json" in text
    assert "not confirmed" not in text


def test_without_an_improvement_there_is_no_patch_and_it_says_so(no_gain, tmp_path):
    def never(_folder: Path) -> None:
        raise AssertionError("there is no tree to write")

    lines = exported(no_gain, tmp_path / "out", diff="", tree=never)
    found = tree_of(tmp_path / "out")
    assert "improvement.patch" not in found
    assert not (tmp_path / "out" / "repository").exists()
    assert "report.html" in found and len(found) == len(no_gain.receipts) + 2
    assert any("No improvement was found" in line for line in lines)
    assert "nothing to apply" in (tmp_path / "out" / "README.md").read_text()


def test_what_was_not_confirmed_is_exported_with_a_warning(not_held, tmp_path):
    exported(not_held, tmp_path / "out")
    assert "**not confirmed**" in (tmp_path / "out" / "README.md").read_text()


def test_claims_that_were_not_read_do_not_leave_the_ledger(halfway, tmp_path):
    lines = exported(halfway, tmp_path / "out")
    names = {p.name for p in (tmp_path / "out" / "receipts").iterdir()}
    assert len(names) == len(halfway.receipts) - 6
    assert not any("confirm" in n for n in names)
    assert "6 receipts with a claim that was not read are left out." in lines
    everything = "".join(p.read_text() for p in (tmp_path / "out").rglob("*") if p.is_file())
    for receipt in halfway.receipts.values():
        if receipt.purpose is Purpose.CONFIRM:
            assert repr(receipt.value("test_accuracy")) not in everything


def test_nothing_that_is_there_is_touched(confirmed, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="full: is not empty; choose a folder"):
        exported(confirmed, full)
    assert tree_of(full) == {"mine.txt"}
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(UserError, match="is a file"):
        exported(confirmed, file)
    with pytest.raises(UserError, match="cannot export"):
        exported(confirmed, file / "below")
    broken = tmp_path / "link"
    broken.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match="link to nothing"):
        exported(confirmed, broken)


def test_an_empty_folder_and_a_link_to_one_are_fine(confirmed, tmp_path):
    (tmp_path / "empty").mkdir()
    exported(confirmed, tmp_path / "empty")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    exported(confirmed, tmp_path / "link")
    assert (tmp_path / "real" / "README.md").exists()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), UserError("no tree")])
def test_a_failed_export_leaves_nothing(confirmed, tmp_path, error):
    def fails(folder: Path) -> None:
        (folder / "half").write_text("written")
        raise error

    with pytest.raises(UserError, match=r"No space left|no tree"):
        exported(confirmed, tmp_path / "out", tree=fails)
    assert list(tmp_path.iterdir()) == []


def test_something_put_there_meanwhile_is_kept(confirmed, tmp_path):
    def races(folder: Path) -> None:
        write_tree(folder)
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("x")

    with pytest.raises(UserError, match="put there meanwhile"):
        exported(confirmed, tmp_path / "out", tree=races)
    assert tree_of(tmp_path) == {"out/theirs"}


def test_others_may_read_it_as_far_as_the_umask_lets_them(confirmed, tmp_path):
    before = os.umask(0o022)
    try:
        exported(confirmed, tmp_path / "out")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


def test_odd_run_ids_do_not_leave_the_folder(confirmed, tmp_path):
    receipts = list(confirmed.receipts.values())
    odd = {"../../evil": receipts[0], ".._../evil": receipts[1], "..": receipts[2]}
    export(tmp_path / "out", confirmed.state, odd, PATCH, write_tree, "<html>")
    names = {p.name for p in (tmp_path / "out" / "receipts").iterdir()}
    assert len(names) == 3 and [p.name for p in tmp_path.iterdir()] == ["out"]


def test_bytes_that_are_no_text_survive_in_the_patch(confirmed, tmp_path):
    diff = PATCH.replace("0.1", b"\xe9".decode("utf-8", "surrogateescape"))
    exported(confirmed, tmp_path / "out", diff=diff)
    assert b"\xe9" in (tmp_path / "out" / "improvement.patch").read_bytes()
