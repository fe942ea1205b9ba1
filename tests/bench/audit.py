"""The audit on sets of labelled patches: what it refuses, what it clears, and in what time.

A set is a folder with `honest.toml` and `dishonest.toml` (tables `patch`: repo, name, edits in
order, files, delete) and the repositories they change, in `repositories/` or `repos/`.

`python tests/bench/audit.py [folder]… [--cases]` scores those folders; the default is the
project's own sets. `--cases` names what was misjudged, and why. Prints figures, asserts nothing.
"""

from __future__ import annotations

import statistics
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Decision, Objective, Verdict
from autosota.agents.supervisor.audit import audit
from autosota.server.config.objective import load_objective

OWN = Path(__file__).resolve().parents[1] / "agents" / "supervisor"
KINDS = ("honest", "dishonest")
_Z = 1.959964


@dataclass(frozen=True)
class Patch:
    """One labelled change of one repository of a set."""

    kind: str
    repo: str
    name: str
    row: dict[str, Any]

    def apply(self, tree: MemoryTree) -> PatchedTree:
        """The repository after the change.

        Raises:
            ValueError: a text to be replaced is not there exactly once.
        """
        changes: dict[str, bytes | None] = {}
        for path, old, new in self.row.get("edits", ()):
            text = (changes.get(path) or tree.read(path)).decode()
            if text.count(old) != 1:
                raise ValueError(f"{self.repo}, {self.name}: {text.count(old)} times in {path}")
            changes[path] = text.replace(old, new).encode()
        changes.update({path: text.encode() for path, text in self.row.get("files", ())})
        changes.update(dict.fromkeys(self.row.get("delete", ())))
        return PatchedTree(tree, changes)


@dataclass(frozen=True)
class Judged:
    """A patch, what the audit said of it, and how long that took."""

    patch: Patch
    verdict: Verdict
    seconds: float

    @property
    def wrong(self) -> bool:
        """An honest one that is not cleared, or a dishonest one that is not refused."""
        wanted = Decision.CLEARED if self.patch.kind == "honest" else Decision.REJECTED
        return self.verdict.decision is not wanted


def patches(folder: Path) -> list[Patch]:
    """The labelled patches of a set, honest ones first."""
    out: list[Patch] = []
    for kind in KINDS:
        rows = tomllib.loads((folder / f"{kind}.toml").read_text())["patch"]
        out += [Patch(kind, row["repo"], row["name"], row) for row in rows]
    return out


def repositories(folder: Path) -> dict[str, tuple[MemoryTree, Objective]]:
    """The repositories of a set by name: their files and objectives."""
    home = next(p for p in (folder / "repos", folder / "repositories") if p.is_dir())
    out: dict[str, tuple[MemoryTree, Objective]] = {}
    for root in sorted(p for p in home.iterdir() if (p / "autosota.toml").is_file()):
        files = [p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        content = {p.relative_to(root).as_posix(): p.read_bytes() for p in files}
        out[root.name] = MemoryTree(content), load_objective(root)
    return out


def score(folder: Path) -> Iterator[Judged]:
    """The audit's verdict on every patch of a set. Seconds are of processor time."""
    trees = repositories(folder)
    for patch in patches(folder):
        tree, objective = trees[patch.repo]
        candidate = patch.apply(tree)
        started = time.process_time()
        verdict = audit(tree, candidate, objective)
        yield Judged(patch, verdict, time.process_time() - started)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), both ends in 0 to 1."""
    if not of:
        return 0.0, 1.0
    share, z = hits / of, _Z**2 / of
    middle, half = share + z / 2, _Z * (share * (1 - share) / of + z / of / 4) ** 0.5
    return max(0.0, (middle - half) / (1 + z)), min(1.0, (middle + half) / (1 + z))


def table(judged: Sequence[Judged]) -> Iterator[str]:
    """The confusion table of a set, a line per kind of patch and decision, and the time."""
    for kind in KINDS:
        own = [j for j in judged if j.patch.kind == kind]
        counts = Counter(j.verdict.decision for j in own)
        rows = [(d.value, counts[d]) for d in Decision]
        if kind == "dishonest":
            rows.append(("not cleared", len(own) - counts[Decision.CLEARED]))
        for word, hits in rows:
            low, high = wilson(hits, len(own))
            share = hits / len(own) if own else 0.0
            interval = f"[{low:.2f}, {high:.2f}]"
            yield f"{kind:10s} {word:13s} {hits:4d} of {len(own):4d}  {share:4.2f} {interval}"
    seconds = sorted(j.seconds for j in judged)
    if seconds:
        last = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
        yield f"seconds per patch: median {statistics.median(seconds):.3f}, p95 {last:.3f}"


def cases(judged: Sequence[Judged]) -> Iterator[str]:
    """Per repository what was misjudged, with the findings."""
    for repo in sorted({j.patch.repo for j in judged}):
        own = [j for j in judged if j.patch.repo == repo]
        wrong = [j for j in own if j.wrong]
        yield f"{repo}: {len(own) - len(wrong)} of {len(own)} as labelled"
        for j in wrong:
            yield f"  {j.patch.kind} {j.verdict.decision.value}: {j.patch.name}"
            for f in j.verdict.findings:
                place = f"{f.place.path}:{f.place.line}"
                yield f"    {f.severity.value:7s} {f.code} {place} {f.message}"


def main(arguments: Sequence[str] = ()) -> None:
    """Score sets of patches and print the tables."""
    named = [Path(a) for a in arguments if not a.startswith("-")]
    folders = named or [OWN, OWN / "blind" / "a", OWN / "blind" / "b", OWN / "blind" / "c"]
    for folder in folders:
        if not (folder / "honest.toml").is_file():
            print(f"{folder}: not measured, it holds no honest.toml")
            continue
        judged = list(score(folder))
        print(f"{folder.name}: {len({j.patch.repo for j in judged})} repositories")
        for line in [*table(judged), *(cases(judged) if "--cases" in arguments else ())]:
            print("  " + line)


if __name__ == "__main__":
    main(sys.argv[1:])
