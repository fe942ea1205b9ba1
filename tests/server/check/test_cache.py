"""Results of before: used where nothing changed, never where something did."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from autosota.agents.domain import Severity
from autosota.server.check import running
from autosota.server.check.cache import Cache, Result, decode, encode, folder
from autosota.server.check.files import find
from autosota.server.check.running import check_files
from autosota.server.check.settings import load

MAIN = """\
import numpy as np
from scoring import accuracy
from sklearn.svm import SVC

train, test = np.load("train.npz"), np.load("test.npz")
model = SVC(C=3).fit(train["x"], train["y"])
result = accuracy(test["y"], model.predict(test["x"]))
print("accuracy", result)
"""
HONEST = "def accuracy(y_true, y_pred):\n    return float((y_true == y_pred).mean())\n"
FAKE = 'import json\n\n\ndef accuracy(y_true, y_pred):\n    return json.load(open("r.json"))["a"]\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    monkeypatch.chdir(work)
    return work


def checked(**options):
    return check_files(find([Path()]), load(Path.cwd()), **options)


def test_what_did_not_change_is_not_checked_again(place, monkeypatch):
    (place / "a.py").write_text(MAIN)
    (place / "scoring.py").write_text(HONEST)
    first = checked()
    seen: list[str] = []
    real = running._one

    def watch(project, path, rules):
        seen.append(path)
        return real(project, path, rules)

    monkeypatch.setattr(running, "_one", watch)
    assert checked() == first
    assert seen == []
    (place / "a.py").write_text(MAIN + "print(1)\n")
    checked()
    assert seen == ["a.py"]


def test_a_change_in_an_imported_file_is_seen(place, monkeypatch):
    (place / "a.py").write_text(MAIN)
    (place / "scoring.py").write_text(HONEST)
    assert not [f for f in checked().findings if f.code == "EV214"]
    (place / "scoring.py").write_text(FAKE)
    assert [f.place.path for f in checked().findings if f.code == "EV214"] == ["a.py"]


def test_a_module_that_appears_is_seen(place):
    (place / "a.py").write_text(MAIN)
    assert not [f for f in checked().findings if f.code == "EV214"]
    (place / "scoring.py").write_text(FAKE)
    assert [f.place.path for f in checked().findings if f.code == "EV214"] == ["a.py"]


def test_settings_are_part_of_the_key(place):
    (place / "a.py").write_text(MAIN)
    (place / "scoring.py").write_text(FAKE)
    assert checked().findings
    (place / "pyproject.toml").write_text('[tool.autosota.check]\nselect = ["NB8"]\n')
    assert not checked().findings


def test_a_broken_cache_is_an_empty_one(place):
    (place / "a.py").write_text(MAIN)
    (place / "scoring.py").write_text(FAKE)
    first = checked()
    (file,) = (folder(place) / "check").glob("*.sqlite")
    file.write_bytes(b"no database at all" * 100)
    assert checked() == first
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE stamps")
        database.execute("CREATE TABLE stamps (odd TEXT)")
        database.execute("INSERT INTO stamps VALUES ('x')")
    database.close()
    assert checked() == first
    assert checked() == first


def test_a_cache_that_cannot_be_written_is_no_error(place, monkeypatch):
    (place / "a.py").write_text(MAIN)
    (place / "blocked").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "blocked"))
    assert checked().files == 1


def test_a_file_written_just_now_is_read_again(place):
    path = place / "a.py"
    path.write_text("x = 1\n")
    cache = Cache(place, "k")
    first = cache.hash_of("a.py")
    cache.put([("a.py", Result())])
    path.write_text("x = 2\n")  # same size, perhaps the same stamp
    assert Cache(place, "k").hash_of("a.py") != first


def test_results_survive_json(place):
    (place / "a.py").write_text(MAIN)
    (place / "scoring.py").write_text(FAKE)
    found = checked().findings
    result = Result(found, found[:1], "")
    again = decode(json.loads(json.dumps(encode(result))))
    assert (again.findings, again.suppressed) == (found, found[:1])
    assert isinstance(again.findings[0].severity, Severity)


def test_one_process_and_several_agree(place):
    for i in range(60):
        (place / f"m{i}.py").write_text(MAIN.replace("C=3", f"C={i}"))
    (place / "scoring.py").write_text(FAKE)
    alone = checked(cached=False, processes=1)
    assert alone.findings and alone == checked(cached=False, processes=2)
    assert [f.place.path for f in alone.findings] == sorted(
        (f.place.path for f in alone.findings), key=str
    )
