"""Results of before: used where nothing changed, never where something did."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autosota.agents.domain import Severity
from autosota.server.check import cache as cache_module
from autosota.server.check import workers
from autosota.server.check.cache import Cache, engine_version, folder, hash_of, stamp_of
from autosota.server.check.result import Result, decode, encode
from autosota.server.check.running import check_paths

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


PROGRAM = Path(sys.executable).with_name("autosota")


def checked(**options):
    return check_paths(["."], **options)


@pytest.fixture
def seen(monkeypatch):
    """The files that are really checked."""
    names: list[str] = []
    real = workers.Checker.run

    def watch(self, job):
        names.append(job[1])
        return real(self, job)

    monkeypatch.setattr(workers.Checker, "run", watch)
    return names


@pytest.fixture
def database(place):
    def database() -> Path:
        (file,) = (folder(str(place)) / "check").glob("*.sqlite")
        return file

    return database


def evidence(outcome) -> list[str]:
    return [f.place.path for f in outcome.findings if f.code == "EV214"]


def test_what_did_not_change_is_not_checked_again(write, seen):
    write("a.py", MAIN)
    write("scoring.py", HONEST)
    first = checked()
    assert seen == ["a.py", "scoring.py"]
    seen.clear()
    assert checked() == first
    assert seen == []
    write("a.py", MAIN + "print(1)\n")
    checked()
    assert seen == ["a.py"]


def test_no_cache_reads_and_keeps_nothing(write, place, seen):
    write("a.py", MAIN)
    checked(cached=False)
    checked(cached=False)
    assert seen == ["a.py", "a.py"]
    assert not (place.parent / "cache").exists()


def test_a_stamp_saves_the_reading(write, seen, monkeypatch):
    path = write("a.py", MAIN)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
    monkeypatch.setattr(cache_module, "_SETTLED_NS", 0)
    first = checked()

    def hashed(content: bytes) -> str:
        assert not content.startswith(b"import"), "it was read"
        return hash_of(content)

    monkeypatch.setattr(cache_module, "hash_of", hashed)
    assert checked() == first
    assert seen == ["a.py"]


@pytest.mark.parametrize(("age", "again"), [(0, ["a.py"]), (3600, [])])
def test_a_fresh_stamp_proves_nothing(write, seen, monkeypatch, age, again):
    """Clocks of file systems are coarse: two writes, one stamp."""
    stamp = (time.time_ns() - age * 10**9,) * 2 + (6,)
    monkeypatch.setattr(cache_module, "stamp_of", lambda path: stamp)
    monkeypatch.setattr(workers, "stamp_of", lambda path: stamp)
    write("a.py", "x = 1\n")
    checked()
    write("a.py", "x = 2\n")
    seen.clear()
    checked()
    assert seen == again


def test_other_bytes_under_the_old_time_are_seen(write, seen, monkeypatch):
    monkeypatch.setattr(cache_module, "_SETTLED_NS", -(10**12))
    path = write("a.py", "x = 1\n")
    checked()
    stamp = os.stat(path)
    write("a.py", "x = 2\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    seen.clear()
    checked()
    assert seen == ["a.py"]


def test_a_change_in_an_imported_file_is_seen(write, seen):
    write("a.py", MAIN)
    write("scoring.py", HONEST)
    write("other.py", "x = 1\n")
    assert evidence(checked()) == []
    write("scoring.py", FAKE)
    seen.clear()
    assert evidence(checked()) == ["a.py"]
    assert seen == ["a.py", "scoring.py"]


def test_a_module_that_appears_or_goes_is_seen(write, place):
    write("a.py", MAIN)
    assert evidence(checked()) == []
    write("scoring.py", FAKE)
    assert evidence(checked()) == ["a.py"]
    (place / "scoring.py").unlink()
    assert evidence(checked()) == []


def test_settings_and_engine_are_part_of_the_key(write, seen, monkeypatch):
    write("a.py", MAIN)
    write("scoring.py", FAKE)
    assert checked().findings
    write("pyproject.toml", '[tool.autosota.check]\nselect = ["NB8"]\n')
    assert not checked().findings
    write("pyproject.toml", "")
    seen.clear()
    checked()
    assert seen == []  # results for other settings stay
    monkeypatch.setattr("autosota.server.check.running.engine_version", lambda: "another")
    checked()
    assert seen == ["a.py", "scoring.py"]


def test_the_engine_is_known_by_its_files(monkeypatch, tmp_path):
    rule = tmp_path / "made_up_engine" / "rules" / "one.py"
    rule.parent.mkdir(parents=True)
    (tmp_path / "made_up_engine" / "__init__.py").write_text("raise SystemExit\n")  # not loaded
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cache_module, "_PARTS", ("made_up_engine",))
    seen = {engine_version()}
    for text in ("x = 1\n", "x = 22\n"):
        rule.write_text(text)
        seen.add(engine_version())
        assert engine_version() in seen
    assert len(seen) == 3


@pytest.mark.parametrize("damage", ["bytes", "cut", "columns", "rows", "layout", "folder"])
def test_a_broken_cache_is_an_empty_one(write, database, damage):
    write("a.py", MAIN)
    write("scoring.py", FAKE)
    first = checked()
    file = database()
    if damage == "bytes":
        file.write_bytes(b"no database at all" * 100)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    elif damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        change = {
            "columns": "DROP TABLE stamps; CREATE TABLE stamps (odd TEXT);",
            "rows": "UPDATE results SET found = '[[{}],1]', looked = '{';",
            "layout": "PRAGMA user_version = 99; DROP TABLE results;",
        }[damage]
        connection = sqlite3.connect(file)
        connection.executescript(change)
        connection.close()
    assert checked() == first
    assert checked() == first


def test_a_cache_that_cannot_be_written_is_no_error(write, monkeypatch):
    blocked = write("blocked", "")
    write("a.py", MAIN)
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert checked().files == 1


def test_a_cache_that_another_process_holds_is_no_error(write, database, monkeypatch):
    write("a.py", MAIN)
    write("scoring.py", FAKE)
    first = checked()
    write("b.py", MAIN)
    connection = sqlite3.connect(database(), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(
        cache_module.sqlite3, "connect", lambda file, timeout, real=sqlite3.connect: real(file, 0)
    )
    again = checked()
    connection.execute("ROLLBACK")
    connection.close()
    assert evidence(again) == ["a.py", "b.py"]
    assert evidence(first) == ["a.py"]


def test_two_at_once(write, place, database):
    for i in range(30):
        write(f"m{i}.py", MAIN.replace("C=3", f"C={i}"))
    write("scoring.py", FAKE)
    command = [PROGRAM, "check", ".", "--format", "json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=place) for _ in range(3)]
    outputs = {process.communicate()[0] for process in both}
    assert len(outputs) == 1 and b"EV214" in outputs.pop()
    connection = sqlite3.connect(database())
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM results").fetchone() == (31,)
    connection.close()


def test_a_cache_has_an_end(write, place, database, monkeypatch):
    monkeypatch.setattr(cache_module, "_MOST_ROWS", 5)
    monkeypatch.setattr(cache_module, "_SETTLED_NS", -(10**12))
    for i in range(9):
        write(f"m{i}.py", f"x = {i}\n")
    checked()
    connection = sqlite3.connect(database())
    for table in ("results", "stamps"):
        rows = connection.execute(f"SELECT path FROM {table} ORDER BY path").fetchall()
        assert [path for (path,) in rows] == ["m4.py", "m5.py", "m6.py", "m7.py", "m8.py"]
    connection.close()
    monkeypatch.setattr(cache_module, "_MOST_WORKSPACES", 2)
    for name in ("one", "two", "three"):
        write(f"{name}/.git/HEAD", "")
        write(f"{name}/a.py", "x = 1\n")
        check_paths([name])
    assert len(list(folder(str(place)).glob("check/*.sqlite"))) == 2


def test_where_it_is_kept(place, monkeypatch):
    assert folder(str(place)) == place.parent / "cache" / "autosota"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says the standard
    monkeypatch.setenv("HOME", str(place))
    assert folder(str(place)) == place / ".cache" / "autosota"
    (place / ".autosota").mkdir()
    assert folder(str(place)) == place / ".autosota" / "cache"


def test_a_result_belongs_to_the_bytes_that_were_checked(write, place):
    path = write("a.py", "x = 1\n")
    read = Result(sha=hash_of(b"x = 1\n"), stamp=stamp_of(str(path)))
    write("a.py", "x = 22\n")  # meanwhile
    cache = Cache(str(place), "k", "e")
    cache.put([("a.py", read)])
    assert Cache(str(place), "k", "e").get(["a.py"]) == {}
    write("a.py", "x = 1\n")
    assert list(Cache(str(place), "k", "e").get(["a.py"])) == ["a.py"]


def test_results_survive_as_text(write):
    write("a.py", MAIN)
    write("scoring.py", FAKE)
    found = checked().findings
    again = decode(encode(Result(found, found[:1])))
    assert (again.findings, again.suppressed) == (found, found[:1])
    assert isinstance(again.findings[0].severity, Severity)
