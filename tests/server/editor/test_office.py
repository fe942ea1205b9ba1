"""The process behind the editor: it answers, survives bad questions, and ends when nobody asks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from autosota.server.editor.office import Office
from autosota.server.editor.questions import AskProgress, BuildIndex, Library, Look, MakeDraft
from autosota.server.errors import UserError

SCRIPT = """\
import argparse

from sklearn.ensemble import RandomForestClassifier


def build(seed):
    return RandomForestClassifier(n_estimators=100, random_state=seed)


def main():
    model = build(0)
    model.fit([[0.0], [1.0]], [0, 1])


if __name__ == "__main__":
    main()
"""


@pytest.fixture
def office():
    found = Office()
    yield found
    found.close()


def test_ideas_of_a_file_without_an_objective_and_their_draft(office, tmp_path):
    (tmp_path / "train.py").write_text("x = 1\n")
    texts = {"train.py": SCRIPT.encode()}  # what is open counts, not what is on disk
    view = office.ask(Look(str(tmp_path), "train.py", texts))
    assert (view.has_objective, view.entry) == (False, 15)
    assert {i.symbol for i in view.ideas} == {"build"}
    assert {(i.line, i.header) for i in view.ideas} == {(7, 6)}
    trees = next(i for i in view.ideas if "n_estimators 100 → 300" in i.title)
    draft = office.ask(MakeDraft(str(tmp_path), "train.py", trees.id, texts))
    assert draft.before == texts
    assert draft.after["train.py"].decode() == SCRIPT.replace("=100", "=300")
    assert draft.verdict == ""


def test_an_idea_that_is_not_there_any_more(office, tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    with pytest.raises(UserError, match="no such idea"):
        office.ask(MakeDraft(str(tmp_path), "train.py", "none", {}))


def test_a_broken_objective_is_said_and_the_rest_goes_on(office, tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "autosota.toml").write_text("[objective]\ncomand = 'python train.py'\n")
    view = office.ask(Look(str(tmp_path), "train.py", {}))
    assert "comand" in view.note
    assert view.ideas
    assert office.ask(AskProgress(str(tmp_path))).note == view.note


def test_a_question_that_cannot_be_answered_does_not_end_the_others(office, tmp_path):
    with pytest.raises(UserError, match="no campaign yet"):
        office.ask(Library(str(tmp_path)))
    with pytest.raises(RuntimeError):
        office.ask("what is this")  # type: ignore[arg-type]
    assert office.ask(AskProgress(str(tmp_path))).state == "none"


def test_a_process_that_died_is_started_again(office, tmp_path):
    assert office.ask(AskProgress(str(tmp_path))).state == "none"
    os.kill(office.pid, signal.SIGKILL)
    time.sleep(0.1)
    assert office.ask(AskProgress(str(tmp_path))).state == "none"
    os.kill(office.pid, signal.SIGSTOP)
    with pytest.raises(UserError, match="given up after"):
        office.ask(AskProgress(str(tmp_path)), seconds=0.5)
    assert office.ask(AskProgress(str(tmp_path))).state == "none"


def test_it_ends_with_the_one_who_asks_even_in_the_middle_of_an_answer(tmp_path):
    code = (
        "import threading, time; from autosota.server.editor.office import Office; "
        "from autosota.server.editor.questions import *; o = Office(); "
        f"o.ask(AskProgress({str(tmp_path)!r})); print(o.pid, flush=True); "
        "import os, signal; os.kill(o.pid, signal.SIGSTOP); os.kill(o.pid, signal.SIGCONT); "
        f"o.ask(Look('/', 'etc/none.py', {{'etc/none.py': b'x = 1\\n' * 2000000}})); time.sleep(60)"
    )
    asker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = psutil.Process(int(asker.stdout.readline()))
    asker.kill()
    asker.wait()
    worker.wait(timeout=5)


def test_an_index_counts(office, tmp_path):
    (tmp_path / "a.py").write_text("import b\nif __name__ == '__main__':\n    pass\n")
    (tmp_path / "b.py").write_text("")
    found = office.ask(BuildIndex(str(tmp_path)))
    assert (found.read, found.files, found.entries) == (2, 2, ("a.py",))


def test_an_index_of_many_files_leaves_room_for_other_questions(office, tmp_path):
    for n in range(4000):
        (tmp_path / f"m{n}.py").write_text("import os\nfrom m1 import x\n" * 40)
    slices = []
    while not slices or slices[-1].read < slices[-1].files:
        begun = time.monotonic()
        slices.append(office.ask(BuildIndex(str(tmp_path))))
        assert time.monotonic() - begun < 5
        assert office.ask(AskProgress(str(tmp_path))).state == "none"
    assert slices[-1].files == 4000
    assert len(slices) > 1


def test_heavy_libraries_stay_out_of_the_process(tmp_path):
    code = (
        "import sys, autosota.server.editor.worker as w; "
        "from autosota.server.editor import questions as q; a = w.Answers(); "
        f"a.answer(q.Look({str(tmp_path)!r}, 'a.py', {{'a.py': b'x = 1'}})); "
        "print([m for m in ('anthropic', 'docker', 'jupyter_client', 'scipy', 'numpy', 'sklearn', "
        "'pygls') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
