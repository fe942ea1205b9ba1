"""Every hostile candidate gets its typed outcome, and nothing leaks out of its run."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from autosota.agents.domain import Environment, Isolation, MetricSource, Outcome
from autosota.server.errors import UserError

WALLS = ("bwrap", "docker")
pytestmark = pytest.mark.bwrap
GOOD = "\nprint('METRIC test_acc=0.5'); print('METRIC val_acc=0.25')\n"


def _log(bench, request) -> str:
    return (bench.runs / request.run_id / "stdout.log").read_text()


def test_editing_the_evaluator_at_run_time(bench):
    judge = "def score(): return 0.5\n"
    bench.commit("base", train="", judge=judge)
    bench.commit(
        "idea",
        train="""
try: open("judge.py", "w").write("def score(): return 1.0"); print("WROTE")
except OSError: print("refused")
import os
for call in (lambda: os.unlink("judge.py"), lambda: os.rename("judge.py", "j2.py")):
    try: call(); print("WROTE")
    except OSError: print("refused")
from judge import score
print(f"METRIC test_acc={score()}"); print(f"METRIC val_acc={score()}")
""",
        judge="def score(): return 0.99\n",
    )
    request = bench.request("idea")
    receipt = bench.runner(files=["judge.py"]).run(request)
    assert receipt.value("test_acc") == 0.5
    assert receipt.isolation is Isolation.OVERLAID
    assert "WROTE" not in _log(bench, request)
    # without walls it can be written, and that is noticed
    receipt = bench.runner("process", files=["judge.py"]).run(bench.request("idea"))
    assert (receipt.outcome, receipt.reason) == (Outcome.TAMPERED, "judge.py: changed")
    assert receipt.value("test_acc") is None


def test_moving_the_evaluators_folder_away(bench):
    bench.workspace.commits["base"]["pkg/judge.py"] = b"def score(): return 0.5\n"
    bench.commit(
        "idea",
        train="""
import os
os.rename("pkg", "old"); os.mkdir("pkg"); open("pkg/judge.py", "w").write("def score(): return 1")
from pkg.judge import score
print(f"METRIC test_acc={score()}"); print(f"METRIC val_acc={score()}")
""",
    )
    receipt = bench.runner(files=["pkg/judge.py"]).run(bench.request("idea"))
    assert receipt.outcome is Outcome.TAMPERED
    assert receipt.value("test_acc") is None


def test_a_commit_with_links_cannot_lead_us_out(bench, tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.mkdir()
    bench.workspace.commits["base"]["pkg/judge.py"] = b"x = 1\n"
    plain = type(bench.workspace).checkout

    def checkout(self, commit, destination, *, exclude=()):
        plain(self, "base", destination, exclude=[*exclude, "pkg"])
        (destination / "pkg").symlink_to(victim)
        (destination / "data").symlink_to(victim)

    monkeypatch.setattr(type(bench.workspace), "checkout", checkout)
    bench.write("data/a.txt", "a")
    for kind in ("bwrap", "process"):
        receipt = bench.runner(kind, files=["pkg/judge.py"], data=["data"]).run(bench.request())
        assert receipt.outcome is Outcome.OK, receipt.reason
    assert list(victim.iterdir()) == []


EVALUATE = """
import sys
want = open("labels/y.txt").read().split()
got = open(sys.argv[1]).read().split()
print(f"METRIC test_acc={sum(a == b for a, b in zip(want, got)) / len(want)}")
"""


@pytest.mark.parametrize(
    "steal",
    [
        "text = open('labels/y.txt').read()",
        "text = open({root!r} + '/labels/y.txt').read()",
        "text = open('/proc/1/root' + {root!r} + '/labels/y.txt').read()",
        "os.symlink({root!r} + '/labels/y.txt', out); sys.exit()",
        "os.symlink('../judge/labels/y.txt', out); sys.exit()",
        "os.mkfifo(out); sys.exit()",
        "text = next(open(os.path.join(d, f)).read() for d, _, fs in os.walk('/')"
        " for f in fs if f == 'y.txt')",
    ],
)
def test_predictions_from_labels_it_should_not_have(bench, steal):
    bench.write("labels/y.txt", "1 0 0 1 1 1 0 1")
    bench.commit("base", train="", evaluate=EVALUATE)
    bench.commit(
        "idea",
        train=f"""
import os, sys
out = os.environ["AUTOSOTA_RUN_DIR"] + "/pred.txt"
print("METRIC val_acc=0.5")
try:
    {steal.format(root=str(bench.root))}
except (OSError, StopIteration): text = "1 " * 8
open(out, "w").write(text)
""",
    )
    receipt = bench.runner(
        files=["evaluate.py"],
        labels=["labels/**"],
        evaluate="python evaluate.py {run_dir}/pred.txt",
        timeout_seconds=20,
    ).run(bench.request("idea"))
    if "sys.exit" in steal:
        assert receipt.outcome is Outcome.EVALUATOR_FAILED
        assert "No such file" in receipt.reason
    else:
        assert receipt.value("test_acc") == 0.625  # what guessing gives
    assert receipt.isolation is Isolation.SEALED


@pytest.mark.parametrize(
    ("settings", "train", "outcome"),
    [
        ({}, "print('METRIC test_acc=0.4')" + GOOD, Outcome.METRIC_CONFLICT),
        ({}, GOOD.replace("0.5", "NaN"), Outcome.METRIC_NOT_FINITE),
        ({}, GOOD.replace("0.5", "-inf"), Outcome.METRIC_NOT_FINITE),
        ({"timeout_seconds": 0.7}, "import time; time.sleep(600)", Outcome.TIMEOUT),
        (
            {},
            "import sys\nfor _ in range(1000): sys.stdout.write('x' * 999_999 + '\\n')",
            Outcome.OUTPUT_LIMIT,
        ),
        ({}, "import os\nwhile True: os.write(2, b'y\\n' * 500_000)", Outcome.OUTPUT_LIMIT),
        (
            {"environment": Environment(memory_bytes=200 * 2**20)},
            "import time; x = bytearray(400 * 2**20); time.sleep(60)",
            Outcome.OUT_OF_MEMORY,
        ),
        (
            {"environment": Environment(disk_bytes=20 * 2**20)},
            "open('big', 'wb').write(b'x' * (60 * 2**20))",
            Outcome.DISK_QUOTA,
        ),
        (
            {"environment": Environment(disk_bytes=20 * 2**20)},
            "import time\nfor i in range(60):\n  open(f'/tmp/{i}', 'wb').write(b'x' * 2**20)\n"
            "time.sleep(60)",
            Outcome.DISK_QUOTA,
        ),
        (
            {"environment": Environment(disk_bytes=20 * 2**20)},
            "import os\nfor i in range(40): os.mkdir('d' * 200); os.chdir('d' * 200)" + GOOD,
            Outcome.DISK_QUOTA,
        ),
    ],
)
def test_outcomes(bench, settings, train, outcome):
    bench.commit("idea", train=train)
    request = bench.request("idea")
    receipt = bench.runner(**settings).run(request)
    assert receipt.outcome is outcome, receipt.reason
    assert receipt.value("test_acc") is None
    folder = bench.runs / request.run_id
    assert sorted(p.name for p in folder.iterdir()) == ["out", "stderr.log", "stdout.log"]
    assert (folder / "stdout.log").stat().st_size <= 64 * 2**20


@pytest.mark.parametrize("kind", ["bwrap", "process"])
@pytest.mark.parametrize("close", [True, False])
def test_a_daemon(bench, kind, close, alive):
    mark = f"daemon-{os.getpid()}-{kind}-{close}"
    bench.commit(
        "idea",
        train=f"""
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        if {close}:
            for fd in (0, 1, 2): os.close(fd)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", {mark!r}])
    os._exit(0)
os.wait()
"""
        + GOOD,
    )
    receipt = bench.runner(kind).run(bench.request("idea"))
    assert receipt.outcome is Outcome.LEFT_PROCESSES, receipt.reason
    assert not alive(mark)


def test_processes_that_end_by_themselves_are_fine(bench):
    bench.commit("idea", train=f"import os{GOOD}os.system('sleep 0.2 &')")
    assert bench.runner().run(bench.request("idea")).outcome is Outcome.OK


def test_a_fork_bomb(bench):
    bench.commit(
        "idea", train="import os, time\nfor _ in range(9999):\n  os.fork() or time.sleep(9)"
    )
    launcher = bench.launcher(bench.kind)
    from dataclasses import replace

    plain = launcher.launch
    launcher.launch = lambda launch, *a, **k: plain(
        replace(launch, limits=replace(launch.limits, processes=50)), *a, **k
    )
    runner = bench.runner()
    runner._setting = replace(runner._setting, launcher=launcher)
    receipt = runner.run(bench.request("idea"))
    assert (receipt.outcome, receipt.reason) == (
        Outcome.CRASHED,
        "had more than 50 processes at once",
    )


def test_no_network(bench):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
import socket
try: socket.create_connection(("127.0.0.1", {port}), 2); print("CONNECTED")
except OSError as e: print("cut off")
print("nets", [name for _, name in socket.if_nameindex()])
"""
        bench.commit("idea", train=code + GOOD)
        request = bench.request("idea")
        assert bench.runner().run(request).outcome is Outcome.OK
        assert _log(bench, request).startswith("cut off\nnets ['lo']\n")
        request = bench.request("idea")
        try:
            bench.runner(environment=Environment(network=True)).run(request)
        except UserError as error:  # an engine that was started without a bridge has no network
            assert bench.kind == "docker" and "bridge" in str(error)
            return
        log = _log(bench, request)
        if bench.kind == "docker":  # a network of its own, which may not lead to this machine
            assert log.startswith("cut off\nnets [") and "nets ['lo']\n" not in log
        else:
            assert log.startswith("CONNECTED")


def test_home_ledger_and_other_runs_are_not_there(bench, tmp_path):
    secret = bench.write(".autosota/ledger.sqlite", "secret")
    other = bench.write(".autosota/runs/other/out/r.json", "secret")
    mine = bench.write("notes.txt", "secret")
    home = Path.home() / ".bashrc"
    paths = [str(p) for p in (secret, other, mine, home, Path.home() / ".ssh")]
    if bench.kind == "bwrap":
        paths.append("/etc/shadow")  # an image has one of its own
    outside = [str(tmp_path / "x"), str(bench.root / "x"), "/x", "/usr/x", "/dev/x", "/run/x"]
    outside += [str(bench.runs / "other" / "x")]
    bench.commit(
        "idea",
        train=f"""
import os
for p in {paths!r}:
    if os.path.exists(p): print("SAW", p)
for p in {outside!r}:
    try: open(p, "w").write("x"); print("WROTE", p)
    except OSError: pass
try: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY); print("WROTE a sysctl")
except OSError: pass
os.makedirs(os.path.expanduser("~/cache")); open("/tmp/t", "w").write("x")
open("/dev/shm/t", "w").write("x"); open("here", "w").write("x")
"""
        + GOOD,
    )
    request = bench.request("idea")
    before = sorted(p for p in tmp_path.rglob("*") if bench.runs not in p.parents)
    assert bench.runner().run(request).outcome is Outcome.OK
    log = _log(bench, request)
    # below /tmp it may write: that is a folder of its own, and `after` says that it is
    written = [x for x in log.splitlines() if x.startswith("WROTE") and " /tmp/" not in x]
    assert "SAW" not in log and not written
    after = sorted(p for p in tmp_path.rglob("*") if bench.runs not in p.parents)
    assert [p for p in after if p not in before] in (
        [],
        [bench.root / ".autosota" / "cache"],
    )
    names = sorted(str(p.relative_to(bench.runs)) for p in bench.runs.rglob("*"))
    run = request.run_id
    assert names == sorted(
        [
            *("other", "other/out", "other/out/r.json"),
            *(run, f"{run}/out", f"{run}/stderr.log", f"{run}/stdout.log"),
        ]
    )


def test_the_guards_pipe_cannot_be_written(bench):
    lie = '{"exit_code": 0, "signal": null, "cpu_seconds": 0, "peak_memory_bytes": 1, '
    lie += '"left": 0, "killed": ""}'
    bench.commit(
        "idea",
        train=f"""
import os, signal
for fd in range(64):
    try: open(f"/proc/1/fd/{{fd}}", "w").write({lie!r}); print("WROTE", fd)
    except OSError: pass
for fd in range(3, 256):
    try: os.write(fd, b"x"); print("WROTE", fd)
    except OSError: pass
try: open("/proc/1/mem", "r+b"); print("WROTE memory")
except OSError: pass
for sig in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
    try: os.kill(1, sig)
    except OSError: pass
print("still here"){GOOD}
raise SystemExit(7)
""",
    )
    request = bench.request("idea")
    receipt = bench.runner().run(request)
    assert "WROTE" not in _log(bench, request)
    assert (receipt.outcome, receipt.exit_code) == (Outcome.CRASHED, 7)


@pytest.mark.parametrize("kind", ["bwrap", "process"])
def test_a_link_as_metric_file(bench, kind, tmp_path):
    (tmp_path / "real.json").write_text('{"acc": 0.99}')
    for make in (
        f"os.symlink({str(tmp_path / 'real.json')!r}, out + '/m.json')",
        f"os.symlink({str(tmp_path)!r}, out + '/d')",
        "os.mkfifo(out + '/m.json')",
        "os.mkdir(out + '/m.json')",
    ):
        bench.commit("idea", train=f"import os; out = os.environ['AUTOSOTA_RUN_DIR']; {make}{GOOD}")
        where = "{run_dir}/d/real.json" if "/d'" in make else "{run_dir}/m.json"
        runner = bench.runner(kind, metrics={"test_acc": MetricSource("test_acc", where, "acc")})
        receipt = runner.run(bench.request("idea"))
        assert receipt.outcome is Outcome.METRIC_MISSING
        assert "cannot be read" in receipt.reason or "was not written" in receipt.reason


def test_a_folder_nobody_may_enter_is_removed(bench):
    bench.commit(
        "idea", train=f"import os; os.makedirs('a/b'); os.chmod('a/b', 0); os.chmod('a', 0){GOOD}"
    )
    request = bench.request("idea")
    assert bench.runner().run(request).outcome is Outcome.OK
    assert not (bench.runs / request.run_id / "work").exists()


def test_a_pattern_that_never_ends(bench, monkeypatch):
    from autosota.server.sandbox import matching

    plain = matching.matches
    monkeypatch.setattr(
        matching, "matches", lambda *a, **k: plain(*a, **{**k, "limit_seconds": 1.0})
    )
    bench.commit("idea", train=f"print('a' * 60){GOOD}")
    source = MetricSource("test_acc", pattern=r"(?P<value>(a+)+)b")
    receipt = bench.runner(metrics={"test_acc": source}).run(bench.request("idea"))
    assert receipt.outcome is Outcome.METRIC_MISSING
    assert "took more than" in receipt.reason


def test_no_new_namespaces_and_no_capabilities(bench):
    bench.commit(
        "idea",
        train=f"""
import subprocess
done = subprocess.run(["unshare", "-U", "true"], capture_output=True)
print("nested", done.returncode == 0)
print([x for x in open("/proc/self/status") if x.startswith(("CapEff", "CapBnd"))]){GOOD}
""",
    )
    request = bench.request("idea")
    bench.runner().run(request)
    log = _log(bench, request)
    assert "nested False" in log and log.count("0000000000000000") == 2
