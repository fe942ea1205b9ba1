"""Processes: the same answer as alone, a guard around each file, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from autosota.server.check import workers
from autosota.server.check.running import check_paths

PROGRAM = Path(sys.executable).with_name("autosota")
MANY = 60


@pytest.fixture
def many(write, leak):
    for i in range(MANY):
        write(f"m{i:02}.py", leak.replace("random_state=0", f"random_state={i}"))


def checked(**options):
    return check_paths(["."], cached=False, **options)


def test_one_process_and_several_agree(many):
    alone = checked(processes=1)
    assert [f.place.path for f in alone.findings] == [f"m{i:02}.py" for i in range(MANY)]
    assert checked(processes=2) == alone
    assert checked(processes=7) == alone


def test_beside_other_threads_no_process_is_forked(many, monkeypatch):
    contexts = []
    import multiprocessing

    real = multiprocessing.get_context
    monkeypatch.setattr(
        multiprocessing, "get_context", lambda name: (contexts.append(name), real(name))[1]
    )
    alone = checked(processes=1)
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert checked(processes=2) == alone
    finally:
        stop.set()
        other.join()
    assert contexts == ["spawn"]


def _instead(monkeypatch, names, action):
    real = workers.check

    def check(path, *rest):
        if path in names:
            action()
        return real(path, *rest)

    monkeypatch.setattr(workers, "check", check)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_file_on_which_the_engine_fails_is_one_warning(many, monkeypatch, processes):
    def fail():
        raise TypeError("no\nsuch thing")

    _instead(monkeypatch, ["m07.py"], fail)
    outcome = checked(processes=processes)
    odd = [f for f in outcome.findings if f.code != "LK107"]
    assert [(f.place.path, f.code) for f in odd] == [("m07.py", "NB899")]
    assert "(TypeError: no such thing); please report" in odd[0].message
    assert outcome.unread == ("m07.py",) and len(outcome.findings) == MANY


@pytest.mark.parametrize("processes", [1, 2])
def test_a_file_that_never_ends_is_given_up(many, monkeypatch, processes):
    def never():
        while True:
            pass

    monkeypatch.setattr(workers, "LONGEST_SECONDS", 0.2)
    _instead(monkeypatch, ["m07.py", "m50.py"], never)
    outcome = checked(processes=processes)
    assert outcome.unread == ("m07.py", "m50.py")
    assert len([f for f in outcome.findings if f.code == "LK107"]) == MANY - 2


def test_files_that_kill_their_process_are_found_out(many, monkeypatch):
    _instead(monkeypatch, ["m07.py", "m50.py"], lambda: os.kill(os.getpid(), signal.SIGKILL))
    outcome = checked(processes=2)
    assert outcome.unread == ("m07.py", "m50.py")
    assert [f.place.path for f in outcome.findings] == [f"m{i:02}.py" for i in range(MANY)]
    assert "was killed" in next(f.message for f in outcome.findings if f.code == "NB899")


def _started(place, delay: float):
    """A check in processes of its own, in which each file takes some time."""
    program = (
        "import signal, sys, time\n"
        # a shell that starts things in the background has them ignore it
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from autosota.server.check import workers\n"
        "real = workers.check\n"
        f"workers.check = lambda *a: (time.sleep({delay}), real(*a))[1]\n"
        "from autosota.server.cli.main import call\n"
        "sys.exit(call(['check', '.', '--processes', '2', '--no-cache']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=place, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    parent = psutil.Process(process.pid)
    until = time.monotonic() + 30
    while len(parent.children()) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    children = parent.children()
    assert len(children) == 2
    return process, children


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_goes_on_when_the_command_is_ended(many, place, number):
    process, children = _started(place, delay=2)  # eight files are one piece of work
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert out == b""
    if number == signal.SIGINT:
        assert process.returncode == 1
        assert err.strip() == b"autosota: interrupted"


def test_a_reader_that_leaves_ends_it_quietly(many, place):
    command = f"'{PROGRAM}' check . | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, cwd=place)
    assert done.stdout.startswith(b"m00.py:9:10: LK107")
    assert done.stderr == b""
