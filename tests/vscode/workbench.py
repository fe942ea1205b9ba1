"""A real VS Code for tests: one server process, folders of its own, windows in a browser.

The server is code-server's: the real workbench, served to Chromium, and the real extension host.
Everything that comes from here carries a mark in its environment, by which it is found again.
It knows nothing of what the tests do in a window.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
EXTENSION = CHECKOUT / "editor-client"
SCREENS = CHECKOUT / ".cache" / "vscode-screens"
"""Screenshots, a folder for each scenario; git ignores it."""
MARK = "AUTOSOTA_TEST_VSCODE"
START_SECONDS = 60.0
END_SECONDS = 15.0

SETTINGS: dict[str, object] = {
    "autosota.interpreter": sys.executable,
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.colorTheme": "Default Light Modern",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "editor.minimap.enabled": False,
    "editor.fontFamily": "DejaVu Sans Mono",
    "editor.parameterHints.enabled": False,
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.suggestOnTriggerCharacters": False,
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.autoIndent": "none",
    "editor.stickyScroll.enabled": False,
    "files.autoSave": "off",
    "files.hotExit": "off",
    "files.watcherExclude": {"**/.autosota/**": True},
    "extensions.ignoreRecommendations": True,
    "git.enabled": False,
    "notebook.experimental.generate": False,
    "chat.commandCenter.enabled": False,
}
"""Settings of the machine: a user's settings can come after the extension was activated."""


class Unavailable(Exception):
    """There is no VS Code or no browser here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What `.ci/vscode` made.

    Attributes:
        folder: Where its `node_modules` is.
        browser, node: Programs.
    """

    folder: Path
    browser: str
    node: str

    @classmethod
    def find(cls) -> Installed:
        """Ask the script that installs it. Raises `Unavailable`."""
        asked = subprocess.run(
            ["sh", str(CHECKOUT / ".ci" / "vscode"), "--where"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        if asked.returncode != 0:
            raise Unavailable(asked.stderr.strip().removeprefix("VS Code tests: "))
        folder, browser, node = asked.stdout.split("\n")[:3]
        return cls(Path(folder), browser, node)

    @property
    def entry(self) -> Path:
        return self.folder / "node_modules" / "code-server" / "out" / "node" / "entry.js"


@dataclass
class Code:
    """A running server. Its folders lie under `home`, which the caller removes.

    Attributes:
        installed: What it is made of.
        home: A folder of its own: user data, extensions, caches, workspaces.
        trusting: Whether each folder counts as trusted; if not, none does.
        settings: Settings of the machine beyond `SETTINGS`.
    """

    installed: Installed
    home: Path
    trusting: bool = True
    settings: Mapping[str, object] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("VSCODE_", "XDG_"))}
        own = {f"XDG_{n.upper()}_HOME": str(self.home / n) for n in ("cache", "config", "state")}
        return {
            **kept,
            **own,
            "XDG_DATA_HOME": str(self.home / "share"),
            "HOME": str(self.home),
            "SHELL": "/bin/sh",
            "EXTENSIONS_GALLERY": "{}",  # nothing is asked of a marketplace
            MARK: self.mark,
            "AUTOSOTA_TEST_RESULTS": str(self.home / "results"),
        }

    def _command(self, *more: str) -> list[str]:
        places = ["--user-data-dir", str(self.data), "--extensions-dir", str(self.home / "exts")]
        return [self.installed.node, str(self.installed.entry), *places, *more]

    def install(self, vsix: Path) -> None:
        """Install an extension, as a person would from a file."""
        self.home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            self._command("--install-extension", str(vsix)),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != 0 or "successfully installed" not in done.stdout:
            raise AssertionError(f"{vsix} cannot be installed: {done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start it, and return once it answers."""
        machine = self.data / "Machine" / "settings.json"
        machine.parent.mkdir(parents=True, exist_ok=True)
        of_user: dict[str, object] = {"telemetry.telemetryLevel": "off"}
        if not self.trusting:
            of_user["security.workspace.trust.startupPrompt"] = "never"
        machine.write_text(json.dumps({**SETTINGS, **self.settings}, indent=1))
        user = self.data / "User" / "settings.json"
        user.parent.mkdir(parents=True, exist_ok=True)
        user.write_text(json.dumps(of_user))  # these few are no machine's to set
        (self.home / "results").mkdir(exist_ok=True)
        flags = ["--auth", "none", "--disable-telemetry", "--disable-update-check"]
        flags += ["--disable-getting-started-override", "--bind-addr", "127.0.0.1:0"]
        flags += ["--disable-workspace-trust"] if self.trusting else []
        said = self.home / "server.log"
        with said.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(*flags),
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", said.read_text())):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError(f"code-server did not start:\n{said.read_text()[-2000:]}")
            time.sleep(0.05)
        self.port = int(found[1])

    def stop(self) -> None:
        """End the server and everything that it started, campaigns included."""
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        if self._process is not None:
            self._process.wait(END_SECONDS)

    def processes(self, words: Sequence[str] = ()) -> list[psutil.Process]:
        """What still runs and came from here, by its mark or by a folder that it works in.

        Args:
            words: Only those whose command line holds one of these, when any are given.
        """
        found = []
        for process in psutil.process_iter():
            try:
                line, cwd = process.cmdline(), process.cwd()
                marked = process.environ().get(MARK) == self.mark
            except psutil.Error:
                continue
            ours = marked or any(str(self.home) in word for word in [*line, cwd])
            if not ours or process.pid == os.getpid():
                continue
            if not words or any(w in part for w in words for part in line):
                found.append(process)
        return found

    def strays(self) -> list[psutil.Process]:
        """What came from here and is not below the server: nothing, once windows are closed."""
        assert self._process is not None
        tree = psutil.Process(self._process.pid)
        kept = {tree.pid, *(child.pid for child in tree.children(recursive=True))}
        return [process for process in self.processes() if process.pid not in kept]

    def url(self, folder: Path, *payload: Sequence[str], **more: str) -> str:
        """Where a window on a folder is."""
        asked = {"folder": str(folder), **more}
        if payload:
            asked["payload"] = json.dumps(payload)
        return f"http://127.0.0.1:{self.port}/?{urlencode(asked, quote_via=quote)}"

    def remote(self, path: Path) -> str:
        """A file's address as seen from the window."""
        return f"vscode-remote://127.0.0.1:{self.port}{quote(str(path))}"

    def logs(self, characters: int = 3000) -> str:
        """The end of what the newest extension host, and our extension, wrote down."""
        hosts = sorted((self.data / "logs").glob("*/exthost*"), key=lambda p: p.stat().st_mtime)
        if not hosts:
            return "the extension host has no log"
        said = []
        for path in sorted(hosts[-1].rglob("*.log")):
            if path.name != "remoteexthost.log" and "autosota" not in str(path).lower():
                continue
            if text := path.read_text(errors="replace").strip():
                part = characters if "autosota" in path.name.lower() else characters // 4
                said.append(f"--- {path.name}\n{text[-part:]}")
        return "\n".join(said)


def wait_for(none: Callable[[], Sequence[object]], seconds: float, what: str) -> None:
    """Wait until a function finds nothing any more; what it still finds is named."""
    end = time.monotonic() + seconds
    while left := none():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}; there are {left}"
        time.sleep(0.05)
