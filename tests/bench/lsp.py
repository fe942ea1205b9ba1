"""The language server beside its peers: greeting, opening, typing, actions, exit, memory.

`python tests/bench/lsp.py`. Every server is the installed one, spoken to over its pipes by one
driver, in the same run: ruff (default and all rules), pylsp, jedi-language-server, and a bare
pygls server. The peers are installed into a virtual environment of their own in the user's cache,
and the `transformers` wheel is the text; where they cannot be had, those lines are not measured.
Times hold the other load of the machine, so the load average is printed first. `AUTOSOTA_LSP_BENCH`
names the folder for both (default: the user's cache).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lsp"))

from texts import VSCODE, place  # noqa: E402
from wire import COMMAND, Gone, Wire  # noqa: E402

WHEEL = "transformers==5.24.0"
PEERS = ("python-lsp-server==1.15.0", "jedi-language-server==0.47.0")
FILES = {
    300: "models/glm_image/image_processing_pil_glm_image.py",
    2000: "models/sam3_video/modeling_sam3_video.py",
    5500: "testing_utils.py",
}
"""Files of about so many lines."""
GREETINGS, OPENINGS, EDITS, REQUESTS, MANY = 7, 5, 100, 50, 10_000
EDITS_A_SECOND = 20
MILLI = 1000.0
PUSHED = {
    "textDocument": {
        "publishDiagnostics": {"versionSupport": True},
        "codeAction": VSCODE["textDocument"]["codeAction"],
    }
}
BARE = "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()"
LEAK = """
from sklearn.model_selection import train_test_split as split_rows
from sklearn.preprocessing import StandardScaler
rows, marks = np.load("rows.npy"), np.load("marks.npy")
scaler = StandardScaler()
rows = scaler.fit_transform(rows)
a_train, a_test, b_train, b_test = split_rows(rows, marks)
forest = RandomForestClassifier().fit(a_train, b_train)
print(forest.score(a_test, b_test))
"""


@dataclass(frozen=True)
class Server:
    """A server that can be started, and what it is told."""

    name: str
    command: tuple[str, ...]
    options: Any = None


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def spread(values: Sequence[float]) -> str:
    """p50/p95/p99 in milliseconds, as printed."""
    return "/".join(f"{MILLI * quantile(values, s):.1f}" for s in (0.5, 0.95, 0.99)) + " ms"


# ---------------------------------------------------------------------- what is needed


def cache() -> Path:
    """Where peers and texts are kept between runs."""
    named = os.environ.get("AUTOSOTA_LSP_BENCH")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = Path(named) if named else base / "autosota-bench"
    found.mkdir(parents=True, exist_ok=True)
    return found


def package() -> Path | None:
    """The `transformers` package as a folder; None when it cannot be had."""
    data = os.environ.get("AUTOSOTA_LEAKAGE_DATA")
    for folder in (Path(data) / "wheel" / "src" if data else None, cache() / "src"):
        if folder is not None and (folder / "transformers" / FILES[2000]).is_file():
            return folder / "transformers"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache()), WHEEL]
    if subprocess.run(pip, capture_output=True).returncode != 0:
        return None
    (wheel,) = cache().glob("transformers-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(cache() / "src")
    return cache() / "src" / "transformers"


def servers() -> list[Server]:
    """Ours, and the peers that could be installed."""
    found = [Server("autosota", COMMAND)]
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.is_file():
        every = {"settings": {"lint": {"select": ["ALL"]}}}
        found += [
            Server("ruff", (str(ruff), "server")),
            Server("ruff, all rules", (str(ruff), "server"), every),
        ]
    folder = cache() / "peers"
    if not (folder / "bin" / "pylsp").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "-q", *PEERS]
        if subprocess.run(pip, capture_output=True).returncode != 0:
            plain = [p.partition("==")[0] for p in PEERS]
            subprocess.run([*pip[:3], *plain], capture_output=True)
    for name in ("pylsp", "jedi-language-server"):
        if (folder / "bin" / name).is_file():
            found.append(Server(name, (str(folder / "bin" / name),)))
    return found


@contextmanager
def started(server: Server, root: Path, capabilities: Any = None) -> Iterator[Wire]:
    """A server that was greeted, and has had a second to get ready."""
    client = Wire(server.command)
    try:
        client.initialize((root,), capabilities or PUSHED, server.options)
        warm = (root / "warm_up.py").as_uri()
        client.open(warm, "import os\n")
        found(client, warm, 0, 30.0)
        time.sleep(1.0)
        yield client
    finally:
        client.kill()


def found(client: Wire, uri: str, since: int, seconds: float) -> float:
    """When findings of a document came; the time of the message.

    Raises:
        Gone: they did not come in time.
    """
    message = client.wait(
        lambda m: (
            m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri
        ),
        seconds,
        since,
    )
    return client.times[next(i for i, m in enumerate(client.heard) if m is message)]


# ---------------------------------------------------------------------- what is measured


def greeting(others: Sequence[Server]) -> Iterator[str]:
    """Start to the answer to `initialize`, in turns."""
    bare = Server("bare pygls", (sys.executable, "-c", BARE))
    times: dict[str, list[float]] = {}
    for _ in range(GREETINGS):
        for server in (bare, *others):
            begun = time.perf_counter()
            client = Wire(server.command)
            client.answer(client.ask("initialize", {"capabilities": {}, "processId": None}))
            times.setdefault(server.name, []).append(time.perf_counter() - begun)
            client.kill()
    base = statistics.median(times[bare.name])
    ratios = [a / b for a, b in zip(times["autosota"], times[bare.name], strict=True)]
    yield f"initialize, ratio to bare pygls: {statistics.median(ratios):.2f} (aim 1.35)"
    for name, values in times.items():
        middle = statistics.median(values)
        yield f"  {name}: {MILLI * middle:.0f} ms, {middle / base:.2f} times"


def opening(server: Server, root: Path) -> Iterator[str]:
    """didOpen → findings of files of 300, 2,000 and 5,500 lines, each as one never seen."""
    parts = []
    with started(server, root) as client:
        for lines, name in FILES.items():
            text = (root / name).read_text()
            times = []
            for n in range(OPENINGS):
                uri = (root / name).with_name(f"copy_{n}_{Path(name).name}").as_uri()
                since, begun = len(client.heard), time.perf_counter()
                client.open(uri, text)
                try:
                    times.append(found(client, uri, since, 60.0) - begun)
                except Gone:
                    break
                client.close(uri)
            middle = f"{MILLI * statistics.median(times):.1f}" if times else "no answer"
            parts.append(f"{lines}: {middle}")
    yield f"  {server.name}: {', '.join(parts)} ms"


@dataclass
class Typed:
    """What typing gave: latencies in seconds, findings of old texts, CPU seconds of an edit."""

    times: list[float] = field(default_factory=list)
    sent: int = 0
    late: int = 0
    cpu: float = 0.0

    def __str__(self) -> str:
        """As printed."""
        if not self.times:
            return f"0 of {self.sent} answered"
        return (
            f"{spread(self.times)}, {len(self.times)} of {self.sent} answered, {self.late} late, "
            f"{MILLI * self.cpu:.1f} ms CPU an edit"
        )


def typing(client: Wire, uri: str, text: str, line: int, edits: int = EDITS) -> Typed:
    """Type into the middle of a document, 20 signs a second, whatever comes back."""
    process = psutil.Process(client.process.pid)
    client.open(uri, text)
    try:
        found(client, uri, 0, 60.0)
    except Gone:
        return Typed(sent=edits)
    time.sleep(0.5)
    typed, sent = Typed(sent=edits), {}
    since, before = len(client.heard), sum(process.cpu_times()[:2])
    begun = time.perf_counter()
    for n in range(edits):
        due = begun + n / EDITS_A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        sign = "\n" if n % 25 == 24 else "x = value_of(row)  # done"[n % 25]
        where = {"start": place(line, 0), "end": place(line, 0)}
        sent[n + 2] = time.perf_counter()
        client.change(uri, n + 2, {"range": where, "text": sign})
    time.sleep(3.0)
    typed.cpu = (sum(process.cpu_times()[:2]) - before) / edits
    seen: set[int] = set()
    for message, at in list(zip(client.heard, client.times, strict=False))[since:]:
        if message.get("method") != "textDocument/publishDiagnostics":
            continue
        if message["params"]["uri"] != uri:
            continue
        newest = max((v for v, t in sent.items() if t <= at), default=1)
        version = message["params"].get("version") or newest
        if version in sent and version not in seen:
            seen.add(version)
            typed.times.append(at - sent[version])
            typed.late += version < newest
    return typed


def requests(client: Wire, uri: str, text: str) -> Iterator[str]:
    """Code actions and lenses on a document that is edited between the requests."""
    client.open(uri, text)
    found(client, uri, 0, 60.0)
    time.sleep(2.0)
    lines = text.count("\n")
    whole = {"start": place(0, 0), "end": place(lines, 0)}
    asked = {
        "codeAction": {"range": whole, "context": {"diagnostics": []}},
        "codeLens": {},
    }
    for method, more in asked.items():
        times = []
        for n in range(REQUESTS):
            if n % 5 == 0:
                since = len(client.heard)
                where = {"start": place(1, 0), "end": place(1, 0)}
                client.change(
                    uri, int(time.time_ns() // 1000 % 1e9), {"range": where, "text": "\n"}
                )
                found(client, uri, since, 60.0)
            begun = time.perf_counter()
            number = client.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, **more})
            client.answer(number)
            times.append(time.perf_counter() - begun)
        yield f"  {method}: {spread(times)} (a fifth right after an edit)"


def leaving(server: Server, root: Path) -> str:
    """`shutdown` to the end of the process, with a file of 2,000 lines open."""
    times = []
    for _ in range(3):
        with started(server, root) as client:
            client.open((root / "leave.py").as_uri(), (root / FILES[2000]).read_text())
            found(client, (root / "leave.py").as_uri(), 0, 60.0)
            begun = time.perf_counter()
            client.leave(30)
            times.append(time.perf_counter() - begun)
    return f"exit: {MILLI * statistics.median(times):.0f} ms (aim 500)"


def memory(process: psutil.Process) -> float:
    """Resident bytes of a process, in MB."""
    return float(process.memory_info().rss) / 1e6


def large_root(root: Path) -> Iterator[str]:
    """The package as the root: usable at once, indexed meanwhile by another process."""
    ours = Server("autosota", COMMAND, {"status": True})
    client = Wire(ours.command)
    try:
        begun = time.perf_counter()
        client.initialize((root,), VSCODE | {"textDocument": PUSHED["textDocument"]}, ours.options)
        uri = (root / FILES[2000]).with_name("copy.py").as_uri()
        typed = typing(client, uri, (root / FILES[2000]).read_text(), 1000, 60)
        indexed = client.wait(
            lambda m: m.get("method") == "autosota/indexed" and m["params"]["root"] == str(root),
            120.0,
        )
        at = client.times[next(i for i, m in enumerate(client.heard) if m is indexed)]
        process = psutil.Process(client.process.pid)
        below = sum(memory(p) for p in process.children(recursive=True))
        yield f"typing while it is indexed: {typed}"
        yield (
            f"indexed {indexed['params']['files']} files {at - begun:.1f} s after the start (aim "
            f"15); the server {memory(process):.0f} MB (aim 100), with the other process "
            f"{memory(process) + below:.0f} MB (aim 300)"
        )
    finally:
        client.kill()


def endurance(root: Path) -> str:
    """Ten thousand edits: memory before and after."""
    with started(Server("autosota", COMMAND), root) as client:
        process = psutil.Process(client.process.pid)
        uri = (root / FILES[300]).with_name("edited.py").as_uri()
        client.open(uri, (root / FILES[300]).read_text())
        sizes = []
        for n in range(MANY):
            where = {"start": place(100, 0), "end": place(100, n % 2)}
            client.change(uri, n + 2, {"range": where, "text": "y" if n % 2 == 0 else ""})
            if n % 50 == 0:
                client.published(uri, n + 2)
            if n in (MANY // 5, MANY - 1):
                client.published(uri, n + 2)
                sizes.append(memory(process))
        return f"{MANY} edits: {sizes[0]:.1f} MB after a fifth, {sizes[1]:.1f} MB at the end"


@contextmanager
def campaign() -> Iterator[bool]:
    """A campaign of the bundled example in the background; gives whether it runs."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "digits"
        shutil.copytree(HERE.parents[1] / "docs" / "examples" / "digits", copy)
        words = [str(Path(sys.executable).with_name("autosota")), "run", "--json", str(copy)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        running = False
        for line in process.stdout:
            if json.loads(line).get("event") == "run_finished":
                running = True
                break
        try:
            yield running and process.poll() is None
        finally:
            subprocess.run([words[0], "stop", str(copy)], capture_output=True)
            process.kill()
            process.wait()


# ---------------------------------------------------------------------- all of it


def main(arguments: Sequence[str] = ()) -> None:
    """Print the figures."""
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    root = package()
    every = servers()
    for line in greeting(every):
        print(line, flush=True)
    if root is None:
        print("the rest is not measured: the transformers wheel cannot be downloaded")
        return
    print("opening → findings, files of 300, 2,000, 5,500 lines (aim 10, 40, 120)")
    for server in every:
        for line in opening(server, root):
            print(line, flush=True)
    text = (root / FILES[2000]).read_text()
    with_leak = text + LEAK
    uri = (root / FILES[2000]).with_name("typed.py").as_uri()
    print("typing 20 signs a second in 2,000 lines: change → findings p50/p95/p99 (aim 12/20/35)")
    for server in every:
        with started(server, root) as client:
            print(f"  {server.name}: {typing(client, uri, text, 1000)}", flush=True)
    with started(every[0], root) as client:
        print(f"  autosota, with a leak in the file: {typing(client, uri, with_leak, 1000)}")
    print("requests on 2,000 lines with findings (aim p95 10 and 20 ms)")
    with started(every[0], root) as client:
        for line in requests(client, uri, with_leak):
            print(line, flush=True)
    with campaign() as running:
        words = "while a campaign runs" if running else "the campaign ended early: without one"
        with started(every[0], root) as client:
            print(f"{words}, typing: {typing(client, uri, text, 1000)}", flush=True)
        with started(every[0], root) as client:
            for line in requests(client, uri, with_leak):
                print(line, flush=True)
    print(leaving(every[0], root), flush=True)
    for line in large_root(root):
        print(line, flush=True)
    print(endurance(root), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
