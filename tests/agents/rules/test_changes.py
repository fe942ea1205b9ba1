"""The audit on cases of the rules that need two trees.

`bases/NAME.txt` holds the files of a small repository, each after a line `--- path`.
`changes/CODE.txt` holds changes to one: a file with `<<<<`, `====`, `>>>>` is edited, one without
is written as it stands, `@@deleted` removes it. In a case that is silent the change is cleared.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from autosota.agents.code.tree import MemoryTree, PatchedTree
from autosota.agents.domain import Decision, MetricSource, Objective, Protocol, Severity
from autosota.agents.rules import RULES, Level
from autosota.agents.supervisor.audit import audit

HERE = Path(__file__).parent
_HEAD = re.compile(r"^=== (fires|silent): (.*?) \[base=(\w+)\]$", re.M)
_EDIT = re.compile(r"<<<<\n(.*?)====\n(.*?)>>>>\n", re.S)


@dataclass(frozen=True)
class Change:
    code: str
    fires: bool
    title: str
    base: str
    text: str


def _files(text: str) -> dict[str, str]:
    parts = re.split(r"^--- (\S+)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def base(name: str) -> tuple[MemoryTree, Objective]:
    files = _files((HERE / "bases" / f"{name}.txt").read_text())
    table = tomllib.loads(files["autosota.toml"])
    objective, protocol = table["objective"], table.get("protocol", {})
    return MemoryTree({p: t.encode() for p, t in files.items()}), Objective(
        command=objective["command"],
        metric=objective["metric"],
        select_on=objective["select_on"],
        metrics={
            name: MetricSource(name, row["from"], row["key"])
            for name, row in table.get("metrics", {}).items()
        },
        protocol=Protocol(
            evaluation=tuple(protocol.get("evaluation", ())),
            data=tuple(protocol.get("data", ())),
            frozen=protocol.get("frozen", {}),
        ),
    )


def candidate(tree: MemoryTree, change: Change) -> PatchedTree:
    out: dict[str, bytes | None] = {}
    for path, text in _files(change.text).items():
        edits = _EDIT.findall(text)
        if text.startswith("@@deleted"):
            out[path] = None
            continue
        if edits:
            whole = tree.read(path).decode()
            for old, new in edits:
                assert whole.count(old) == 1, f"{change.code}: {change.title}: {old!r} in {path}"
                whole = whole.replace(old, new)
            text = whole
        out[path] = text.encode()
    return PatchedTree(tree, out)


def changes() -> list[Change]:
    out = []
    for file in sorted((HERE / "changes").glob("*.txt")):
        parts = _HEAD.split(file.read_text())
        assert not parts[0].strip(), file
        for kind, title, name, text in zip(
            parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True
        ):
            out.append(Change(file.stem, kind == "fires", title, name, text.lstrip("\n")))
    return out


def _id(change: Change) -> str:
    return f"{change.code}-{'fires' if change.fires else 'silent'}-{change.title}"


@pytest.mark.parametrize("change", changes(), ids=_id)
def test_a_change_is_judged_by_its_rule(change):
    tree, objective = base(change.base)
    verdict = audit(tree, candidate(tree, change), objective)
    shown = [(f.code, f.severity.value, f.place.path, f.place.line, f.message)
             for f in verdict.findings]  # fmt: skip
    if change.fires:
        assert change.code in {f.code for f in verdict.findings}, shown
        assert verdict.decision is not Decision.CLEARED
        if RULES[change.code].severity in (Severity.BLOCK, Severity.ERROR):
            assert verdict.decision is Decision.REJECTED, shown
    else:
        assert verdict.decision is Decision.CLEARED, shown


def test_every_rule_of_changes_has_two_cases_that_fire_and_two_that_do_not():
    wanted = {r.code for r in RULES.values() if Level.PATCH in r.levels}
    assert {c.code for c in changes()} == wanted
    for code in wanted:
        kinds = [c.fires for c in changes() if c.code == code]
        assert kinds.count(True) >= 2 and kinds.count(False) >= 2, code


def test_a_script_that_another_process_runs_is_not_cleared():
    tree, objective = base("wrapped")
    old = tree.read("fit.py").decode()
    new = old.replace("max_depth=6", "max_depth=9")
    verdict = audit(tree, PatchedTree(tree, {"fit.py": new.encode()}), objective)
    assert verdict.decision is Decision.NEEDS_REVIEW
    assert "fit.py" in {f.place.path for f in verdict.findings}
