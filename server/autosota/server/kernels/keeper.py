"""Runs inside a container, beside other kernels: starts one kernel and ends exactly that one.

A script of its own (`python3 -I -S -c …`), standard library only. Processes that leave their
parents come back to it (it is their subreaper), so at the end it finds and kills all of them and
nobody else's. Whoever started it holds its standard input: lines there are signals to be sent,
and its end, however the other side died, ends the kernel. It trusts nothing the kernel writes.

Arguments: FOLDER COMMAND…, with the connection file's text in AUTOSOTA_CONNECTION; or `sweep
MARK`, to kill what a keeper that was itself killed left behind. Writes one line at the end:
`ended CODE KILLED`, with the exit code as shells give it and how often memory ran out. The folder
stays: whoever started us may want to say something in it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
KILL_SECONDS = 5.0
TOLD = "AUTOSOTA_CONNECTION"
MARK = "AUTOSOTA_KERNEL"
_MEMORY = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def descendants() -> list[int]:
    """All live processes below this one."""
    me = os.getpid()
    children: dict[int, list[int]] = {}
    dead = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(name))
            if fields[0] in (b"Z", b"X"):
                dead.add(int(name))
    found, stack = [], [me]
    while stack:
        for pid in children.get(stack.pop(), ()):
            stack.append(pid)
            if pid not in dead:
                found.append(pid)
    return found


def marked(mark: bytes) -> list[int]:
    """All processes that carry a mark in their environment, but this one."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if mark in words:
                found.append(int(name))
    return found


def kill(pids: list[int]) -> None:
    """Stop them first: a process that forks all the time could outrun the killing."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def kill_below() -> None:
    """SIGKILL to everything below, and reap it, for some seconds."""
    deadline = time.monotonic() + KILL_SECONDS
    while time.monotonic() < deadline:
        kill(descendants())
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def out_of_memory() -> int:
    """How often the system killed something in this container for memory."""
    for path in _MEMORY:
        try:
            with open(path, encoding="ascii") as file:
                told = dict(line.split()[:2] for line in file)
        except (OSError, ValueError):
            continue
        if "oom_kill" in told:
            return int(told["oom_kill"])
    return 0


def prepare(folder: str, text: str) -> None:
    """Write the connection file into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder, 0o700)
    file = os.open(f"{folder}/kernel.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(file, text.encode())
    os.close(file)


def start(command: list[str]) -> int:
    """Fork and execute the kernel in a session of its own."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        nothing = os.open("/dev/null", os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these; others do not
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def follow(child: int, woken: int) -> int:
    """Until the kernel ends, or whoever started us is gone; the wait status."""
    waiting = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return signal.SIGKILL
                if pid == child:
                    return status
                if not pid:
                    break
        if 0 in ready:
            more = os.read(0, 4096)
            if not more:
                return signal.SIGKILL
            *lines, waiting = (waiting + more).split(b"\n")
            for line in lines:
                if int(line) == signal.SIGKILL:
                    return signal.SIGKILL
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, int(line))


def main(arguments: list[str]) -> int:
    """Keep one kernel; see the module's docstring for the arguments."""
    if arguments[0] == "sweep":
        for _ in range(3):
            kill(marked(f"{MARK}={arguments[1]}".encode()))
        return 0
    folder, command = arguments[0], arguments[1:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    woken, wake = os.pipe()
    for descriptor in (woken, wake):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    prepare(folder, os.environ.pop(TOLD))
    killed = out_of_memory()
    status = follow(start(command), woken)
    kill_below()
    code = os.waitstatus_to_exitcode(status)
    code = 128 - code if code < 0 else code
    with contextlib.suppress(OSError):
        os.write(1, f"ended {code} {out_of_memory() - killed}\n".encode())
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
