"""The model client against a server with faults: how each ends, how long it takes, what it costs.

The server speaks the Messages API over HTTP on a socket of this machine. Each row is a session of
three questions with a budget of half a dollar and a wall of six seconds a question.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from autosota.agents.asking import Ask
from autosota.server.config.model import ModelSettings
from autosota.server.model.book import Book, Limits
from autosota.server.model.client import Client
from autosota.server.model.prices import PRICES, Usage
from autosota.server.model.redact import Redactor
from autosota.server.model.wire import Address

BUDGET = 500_000
WALL = 6.0
QUESTIONS = 3
MODEL = "claude-opus-5-5"


def main() -> None:
    """Print the table."""
    fake = _fake()
    import anthropic  # noqa: F401 - imported once, so that no row pays for it

    rows = [("none", fake.Answer("x" * 4000))] + [(name, name) for name in fake.FAULTS]
    print(
        f"{'fault':<22} {'endings':<34} {'requests':>8} {'longest':>8} {'counted':>9} "
        f"{'billed':>9}  state"
    )
    broken = 0
    for name, step in rows:
        broken += _session(fake, name, step)
    print(f"{len(rows)} sessions; over the budget, over the wall or with lost state: {broken}")
    _context()


def _context() -> None:
    """What one session of ideas shows of a repository, in estimated tokens."""
    from autosota.agents.ideator.with_model.context import whole_files
    from autosota.agents.ideator.with_model.gates import Gates
    from autosota.agents.ideator.with_model.proposals import question
    from autosota.agents.ideator.with_model.quoting import tokens
    from autosota.agents.supervisor.boundary import draw_boundary
    from autosota.server.config import load_objective
    from autosota.server.setup.folder import FolderTree

    root = Path(__file__).resolve().parents[2]
    folders = sorted(
        p.parent
        for place in ("docs/examples", "tests/bench/searched/repositories")
        for p in (root / place).glob("*/autosota.toml")
    )
    print(
        "\nContext of a session of ideas, in tokens (estimated); the cache holds rules and material"
    )
    print(f"{'repository':<22} {'code, whole':>11} {'in slices':>10} {'session':>8} {'cached':>7}")
    for folder in folders:
        objective, tree = load_objective(folder), FolderTree(folder)
        boundary = draw_boundary(tree, objective)
        gates = Gates(tree, objective, boundary)
        ask = question(tree, objective, boundary)
        stable = sum(tokens(text) for text in (ask.instructions, *ask.material))
        session = stable + tokens(ask.question)
        print(
            f"{folder.name:<22} {tokens(whole_files(gates)):>11} {tokens(ask.material[-1]):>10} "
            f"{session:>8} {stable / session:>7.0%}"
        )


def _session(fake: Any, name: str, step: Any) -> int:
    endings: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder, fake.MessagesApi([step]) as api:
        path = Path(folder) / "model.sqlite"
        with Book(path) as book:
            client = Client(
                book,
                "c1",
                ModelSettings(name=MODEL, call_seconds=WALL),
                Address(api.url, "key"),
                Limits(micros=BUDGET),
                Redactor({}),
                silence=2.0,
            )
            for number in range(QUESTIONS):
                began = time.monotonic()
                endings[str(client.ask(Ask("ideator", "", f"question {number}")).ending)] += 1
                longest = max(longest, time.monotonic() - began)
        with Book(path) as book:  # as after a restart
            spent = book.spent("c1")
            entries = book.entries("c1")
        billed = PRICES[MODEL].micro_dollars(Usage(api.prompt_tokens, output=api.output_tokens))
        kept = len(entries) == len(api.requests) and not spent.in_flight
    good = spent.micros <= BUDGET and billed <= spent.micros and longest <= WALL + 1 and kept
    words = ", ".join(f"{n} {ending}" for ending, n in endings.items())
    print(
        f"{name:<22} {words:<34} {len(api.requests):>8} {longest:>7.2f}s "
        f"${spent.dollars:>8.4f} ${billed / 1e6:>8.4f}  {'kept' if kept else 'LOST'}"
    )
    return 0 if good else 1


def _fake() -> Any:
    path = Path(__file__).resolve().parents[1] / "fakes" / "messages_api.py"
    spec = importlib.util.spec_from_file_location("messages_api", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["messages_api"] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
