"""What the end of a kernel means."""

from __future__ import annotations

import pytest

from autosota.server.kernels.ended import Why, by_exit, stopped, with_last


@pytest.mark.parametrize(
    ("code", "oom", "why", "popen", "words"),
    [
        (0, False, Why.EXITED, 0, "exit code 0"),
        (3, False, Why.EXITED, 3, "exit code 3"),
        (137, False, Why.SIGNALLED, -9, "killed by SIGKILL"),
        (143, False, Why.SIGNALLED, -15, "killed by SIGTERM"),
        (139, True, Why.SIGNALLED, -11, "killed by SIGSEGV"),
        (137, True, Why.OUT_OF_MEMORY, -9, "ran out of its 2 GiB of memory"),
        (255, False, Why.EXITED, 255, "exit code 255"),
        (1, True, Why.EXITED, 1, "exit code 1"),
    ],
)
def test_exit_codes_signals_and_memory_are_told_apart(code, oom, why, popen, words):
    ended = by_exit(code, out_of_memory=oom, memory_bytes=2 * 2**30)
    assert (ended.why, ended.code) == (why, popen)
    assert words in ended.line
    assert ended.expected == (code == 0)


def test_what_was_asked_for_is_expected():
    assert stopped().expected
    assert stopped().code == -9


def test_the_last_line_of_the_terminal_says_why():
    ended = by_exit(1, out_of_memory=False, memory_bytes=0)
    said = b"Traceback:\n\nModuleNotFoundError: No module named  'ipykernel'\n\n"
    assert with_last(ended, said).line.endswith(
        ": ModuleNotFoundError: No module named 'ipykernel'"
    )
    assert with_last(ended, b"\n \n") == ended
