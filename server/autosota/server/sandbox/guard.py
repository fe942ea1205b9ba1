"""The first process inside every sandbox: starts the command, watches it, ends everything.

A script of its own (`python -I -S guard.py …`), standard library only and quick to start.
Under bubblewrap it is pid 1 of the pid namespace: the command can neither signal nor trace
it, and when it ends the kernel ends all that is left. On the plain host it is a child
subreaper, so that daemons come back to it. It does not know what an experiment, a metric or
a receipt is, and it trusts nothing the command writes.

Arguments: STATUS_FD LIFE_FD MODE MEMORY FILE_SIZE PROCESSES -- COMMAND…
`MODE` is `namespace`, `host` or `container`; sizes are bytes, 0 means no limit. STATUS_FD gets
an empty line at once (the sandbox stands) and one JSON object at the end. The command starts
when a byte comes on LIFE_FD; its end of file (the driver went away, or wants to stop) kills
everything. In a container no descriptor is inherited: STATUS_FD is the folder that holds the
FIFOs `out`, `err`, `status` and `life`, which the driver unlinks before it lets the command go.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 2.0
GO_SECONDS = 60.0
FIRST_POLL, LAST_POLL = 0.02, 0.25
PAGE = os.sysconf("SC_PAGE_SIZE")


def _processes(namespace: bool) -> list[int]:
    """All live processes below the guard (zombies are not live)."""
    me = os.getpid()
    parents: dict[int, int] = {}
    dead: set[int] = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # the command name may hold spaces and brackets: fields start after the last one
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields:
            parents[int(name)] = int(fields[1])
            if fields[0] in (b"Z", b"X"):
                dead.add(int(name))
    if namespace:
        return [pid for pid in parents if pid != me and pid not in dead]
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, stack = [], [me]
    while stack:
        for pid in children.get(stack.pop(), ()):
            stack.append(pid)
            if pid not in dead:
                found.append(pid)
    return found


def _resident(pids: list[int]) -> int:
    """Resident bytes of these processes; pages they share count once for each."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                total += int(file.read().split()[1]) * PAGE
        except (OSError, IndexError):
            continue
    return total


def _proportional(pids: list[int]) -> int:
    """Proportional bytes: shared pages count once. Slower, and resident where unreadable."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                total += next(
                    int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:")
                )
        except (OSError, StopIteration):
            total += _resident([pid])
    return total


def _kill_all(namespace: bool) -> None:
    """SIGKILL to everything below, and reap it, for at most five seconds."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        if namespace:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all of the namespace but pid 1, atomically
        else:
            pids = _processes(False)
            # stopped first: a process that forks all the time could outrun the killing
            for sent in (signal.SIGSTOP, signal.SIGKILL):
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, sent)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _open_fifos(folder: str) -> tuple[int, int]:
    """Put stdout and stderr on their FIFOs; the descriptors of status and life.

    Without a driver at the other end this fails at once, instead of waiting for ever.
    """
    for number, name in ((1, "out"), (2, "err")):
        fd = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_NONBLOCK)
        os.set_blocking(fd, True)
        os.dup2(fd, number)
        os.close(fd)
    status = os.open(f"{folder}/status", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    life = os.open(f"{folder}/life", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return status, life


def _told_to_go(life: int) -> bool:
    """Wait for the driver's word; False when it went away or wants to stop."""
    waiting = select.poll()
    waiting.register(life, select.POLLIN | select.POLLHUP)
    try:
        return bool(waiting.poll(GO_SECONDS * 1000)) and bool(os.read(life, 1))
    except BlockingIOError:
        return False


def _killed_by_limit() -> bool:
    """Whether the kernel ended something in this container for the container's memory limit."""
    for path, key in (
        ("/sys/fs/cgroup/memory.events", b"oom_kill"),
        ("/sys/fs/cgroup/memory/memory.oom_control", b"oom_kill"),
    ):
        try:
            with open(path, "rb") as file:
                pairs = [line.split() for line in file]
        except OSError:
            continue
        return any(p[0] == key and p[1] != b"0" for p in pairs if len(p) == 2)
    return False


def _start(command: list[str], file_size: int) -> int:
    """Fork and execute the command in a session of its own, under its limits."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these; others do not
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        files = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        if file_size:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            size = file_size if hard == resource.RLIM_INFINITY else min(hard, file_size)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        try:
            # when the machine runs out of memory, the experiment goes before its driver
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("500")
        except OSError:
            pass
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def main(arguments: list[str]) -> int:
    """Run one command to its end; see the module's docstring for the arguments."""
    container = arguments[2] == "container"
    namespace = container or arguments[2] == "namespace"
    memory, file_size, most = (int(a) for a in arguments[3:6])
    command = arguments[7:]

    libc = ctypes.CDLL(None, use_errno=True)
    # not dumpable: /proc/<guard>/fd and /proc/<guard>/mem are closed to processes of this user
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if not namespace:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if container:
        status, life = _open_fifos(arguments[0])
    else:
        status, life = int(arguments[0]), int(arguments[1])
        os.set_inheritable(status, False)
        os.set_inheritable(life, False)

    os.write(status, b"\n")
    if not _told_to_go(life):
        return 1

    child = _start(command, file_size)
    watched = select.poll()
    watched.register(life, select.POLLIN | select.POLLHUP)
    try:
        exited = os.pidfd_open(child)
        watched.register(exited, select.POLLIN)
    except (AttributeError, OSError):
        exited = -1

    killed, code, peak, left = "", 0, 0, 0
    wait = FIRST_POLL
    over_at = 0.0
    ended = False
    while not killed:
        events = watched.poll(wait * 1000)
        if any(fd == life for fd, _ in events):
            killed = "stopped"
            break
        try:
            while True:
                pid, result = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                if pid == child:
                    ended, code, over_at = True, result, time.monotonic()
                    if exited >= 0:
                        watched.unregister(exited)
        except ChildProcessError:
            pass
        began = time.monotonic()
        pids = _processes(namespace)
        used = _resident(pids)
        if memory and used > memory:
            used = _proportional(pids)
            if used > memory:
                killed = "memory"
        peak = max(peak, used)
        if len(pids) > most:
            killed = killed or "processes"
        if ended:
            left = len(pids)
            if not left or began - over_at > GRACE_SECONDS:
                break
            wait = FIRST_POLL
        else:
            # the scan never takes more than about a twentieth of a core
            cost = (time.monotonic() - began) * 20
            wait = min(max(wait * 1.5, cost), max(LAST_POLL, cost))
            if memory:
                wait = min(wait, max(0.05, cost))
            if exited < 0:
                wait = min(wait, 0.02)
    _kill_all(namespace)
    if container and not killed and code and _killed_by_limit():
        killed = "memory"

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = max(peak, usage.ru_maxrss * 1024)
    exit_code = os.waitstatus_to_exitcode(code) if ended else -int(signal.SIGKILL)
    report = (
        f'{{"exit_code": {exit_code if exit_code >= 0 else "null"}, '
        f'"signal": {-exit_code if exit_code < 0 else "null"}, '
        f'"cpu_seconds": {usage.ru_utime + usage.ru_stime:.6f}, '
        f'"peak_memory_bytes": {peak}, "left": {left}, "killed": "{killed}"}}\n'
    )
    try:
        os.write(status, report.encode())
    except OSError:
        return 1  # the driver is gone; everything has been killed, nobody is left to be told
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
