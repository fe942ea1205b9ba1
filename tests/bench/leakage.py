"""The leakage rules of `autosota check` on labelled notebooks and scripts.

`python tests/bench/leakage.py FOLDER [--half dev|validation] [--list OUT]`, or the folder in
`AUTOSOTA_LEAKAGE_DATA`. The folder holds what is read and never committed:

* `notebooks/`, `notebook-leakage-labels.csv`: 462 notebooks as scripts, one (training, test) pair
  of each labelled by hand (repository tahh1/data-leakage-detection, data/Experiment1, 43b5513);
* `scripts/`, `leaky-fit-calls.json`: 38 scripts with the calls of `fit` that leak (repository
  malusamayo/leakage-analysis, tests/inputs); `leaky_fit_lines.csv` beside this file has the lines
  (with `--half`, the half by the hash of the name);
* `multi/`: the notebooks of `multi_test_labels.csv` beside this file, by its ids;
* `adjudication/HALF.csv`: what a reader said of disagreements (`file,code,line,verdict,reason`).

As only one pair of a notebook is labelled, a finding on a "clean" one may be right: both the raw
figures and those after reading are printed. A verdict is `right` or `wrong` for a finding, and
for a labelled leakage that was not found
(with the class for a code) `missed`, or `label` where it is not what the class means, e.g. a
training score printed beside the test score. Only disagreements are read, so what the label and
the check agree on is taken as right. `--list` writes the disagreements to OUT.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autosota.agents.check import check
from autosota.agents.domain import Finding, Severity

HERE = Path(__file__).resolve().parent
HALVES = ("dev", "validation")
CLASSES = {
    "preprocessing": ("LK101", "LK102", "LK104", "LK105", "LK106", "LK107", "LK108"),
    # A score on the training rows is overlap in these labels (the pair is one set of rows twice).
    "overlap": ("LK103", "LK109", "LK110", "LK119", "LK120"),
    "multi-test": ("LK112", "LK113", "LK114"),
}
VERDICTS = ("right", "wrong", "missed", "label")
_FIT = (".fit(", ".fit_generator(", ".fit_transform(")
_Z = 1.959964


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), both ends in 0 to 1."""
    if not of:
        return 0.0, 1.0
    share, z = hits / of, _Z**2 / of
    middle, half = share + z / 2, _Z * (share * (1 - share) / of + z / of / 4) ** 0.5
    return max(0.0, (middle - half) / (1 + z)), min(1.0, (middle + half) / (1 + z))


def share(hits: int, of: int) -> str:
    """A share with its interval, as printed."""
    if not of:
        return "no cases"
    low, high = wilson(hits, of)
    return f"{hits / of:.3f} [{low:.2f}, {high:.2f}] ({hits}/{of})"


@dataclass(frozen=True)
class Case:
    """One file, whether it is labelled with a class, and the findings of that class."""

    file: str
    kind: str
    positive: bool
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> bool:
        """Whether a finding of the class is an error or worse."""
        return any(f.severity in (Severity.ERROR, Severity.BLOCK) for f in self.findings)


@dataclass
class Verdicts:
    """What readers said, by file: of findings by code and line, of labels by class."""

    said: dict[tuple[str, str, int], str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Verdicts:
        """The rows of an adjudication file; none if there is no such file.

        Raises:
            ValueError: a verdict is none of `VERDICTS`.
        """
        if not path.is_file():
            return cls()
        said = {}
        with path.open(newline="", encoding="utf-8") as rows:
            for row in csv.DictReader(rows):
                if row["verdict"] not in VERDICTS:
                    raise ValueError(f"{path}: verdict {row['verdict']!r}; one of {VERDICTS}")
                said[row["file"], row["code"], int(row["line"])] = row["verdict"]
        return cls(said)

    def positive(self, case: Case) -> bool:
        """Whether the file has a leakage of the class, after reading."""
        if case.positive:
            return self.said.get((case.file, case.kind, 0)) != "label"
        return any(
            file == case.file and code in CLASSES[case.kind] and verdict == "right"
            for (file, code, _), verdict in self.said.items()
        )

    def unread(self, case: Case) -> bool:
        """Whether the file is a disagreement that nobody has read."""
        if case.positive == bool(case.findings):
            return False
        if case.positive:
            return (case.file, case.kind, 0) not in self.said
        return not any((case.file, f.code, f.place.line) in self.said for f in case.findings)


def scores(name: str, cases: Sequence[Case], truth: Callable[[Case], bool]) -> Iterator[str]:
    """Precision, recall and error-level precision over files."""
    fired = [c for c in cases if c.findings]
    real = [c for c in cases if truth(c)]
    hits = sum(truth(c) for c in fired)
    errors = [c for c in fired if c.errors]
    yield (
        f"{name:26s} precision {share(hits, len(fired)):33s} recall {share(hits, len(real)):33s} "
        f"errors alone: precision {share(sum(truth(c) for c in errors), len(errors))}"
    )


def of_class(findings: Iterable[Finding], kind: str) -> tuple[Finding, ...]:
    """The findings of one class of leakage."""
    return tuple(f for f in findings if f.code in CLASSES[kind])


def notebooks(folder: Path, half: str) -> list[Case]:
    """The labelled notebooks of a half, a case per class."""
    cases = []
    with (folder / "notebook-leakage-labels.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["half"] == half:
                content = (folder / "notebooks" / row["file"]).read_bytes()
                found = check(row["file"], content).findings
                for kind in ("preprocessing", "overlap"):
                    own = of_class(found, kind)
                    cases.append(Case(row["file"], kind, row[kind] == "1", own))
    return cases


def multi_test(folder: Path, half: str) -> tuple[list[Case], dict[str, dict[str, str]]]:
    """The notebooks labelled for selection on test, with their rows (see the labels' README)."""
    cases, rows = [], {}
    with (HERE / "multi_test_labels.csv").open(newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            name = row["id"] + Path(row["path"]).suffix
            if row["half"] == half and (folder / "multi" / name).is_file():
                found = check(name, (folder / "multi" / name).read_bytes()).findings
                own = of_class(found, "multi-test")
                cases.append(Case(name, "multi-test", row["multi"] == "1", own))
                rows[name] = row
    return cases, rows


@dataclass
class Calls:
    """Labelled and reported calls of `fit` of the scripts."""

    labelled: int = 0
    found: int = 0
    named: int = 0
    right: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def half_of(name: str) -> str:
    """The half of a script, by the hash of its name."""
    return HALVES[int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2]


def scripts(folder: Path, halves: Sequence[str]) -> tuple[list[Case], Calls]:
    """The scripts: leaky or not, and which calls of `fit` the findings name."""
    labels = json.loads((folder / "leaky-fit-calls.json").read_text(encoding="utf-8"))
    lines: dict[str, list[tuple[str, set[int]]]] = defaultdict(list)
    with (HERE / "leaky_fit_lines.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            lines[row["file"]].append((row["call"], {int(x) for x in row["lines"].split()}))
    cases, calls = [], Calls()
    for name, label in labels.items():
        if half_of(name) not in halves:
            continue
        content = (folder / "scripts" / name).read_bytes()
        own = of_class(check(name, content).findings, label["kind"])
        cases.append(Case(name, label["kind"], label["leak"], own))
        text = content.decode("utf-8", "replace").split("\n")
        places = {f.place.line for f in own}
        named = {r.line for f in own for r in f.related if r.path == name}
        leaky: set[int] = set()
        for call, where in lines[name]:
            leaky |= where
            if call.startswith("("):  # leaky, but a known miss of the tool that the labels are of
                continue
            calls.labelled += 1
            if where & (named | places):
                calls.found += 1
            else:
                calls.missed.append(f"{name}: {call} in {sorted(where)}")
        fits = {n for n in named - places if 0 < n <= len(text) and has_fit(text[n - 1])}
        calls.named += len(fits)
        calls.right += len(fits & leaky)
        calls.wrong += [f"{name}:{n}: {text[n - 1].strip()[:80]}" for n in sorted(fits - leaky)]
    return cases, calls


def has_fit(line: str) -> bool:
    """Whether a line calls `fit`."""
    return any(token in line for token in _FIT)


def listing(cases: Iterable[Case], verdicts: Verdicts) -> Iterator[list[str]]:
    """The disagreements, a row per finding of a false positive and per false negative."""
    for c in sorted(cases, key=lambda c: (c.kind, c.file)):
        if c.positive and not c.findings:
            said = verdicts.said.get((c.file, c.kind, 0), "")
            yield [c.file, c.kind, "missed", c.kind, "0", "", said, ""]
        elif c.findings and not c.positive:
            for f in c.findings:
                said = verdicts.said.get((c.file, f.code, f.place.line), "")
                line, level = str(f.place.line), f.severity.value
                yield [c.file, c.kind, "false", f.code, line, level, said, f.message]


def report(folder: Path, half: str, out: Path | None) -> Iterator[str]:
    """The lines of a half."""
    verdicts = Verdicts.read(folder / "adjudication" / f"{half}.csv")
    cases = notebooks(folder, half)
    yield f"{half}: {len({c.file for c in cases})} notebooks"
    for kind in ("preprocessing", "overlap"):
        own = [c for c in cases if c.kind == kind]
        yield from scores(f"  {kind}, raw", own, lambda c: c.positive)
        if verdicts.said:
            yield from scores(f"  {kind}, read", own, verdicts.positive)
    unread = sum(verdicts.unread(c) for c in cases)
    yield f"  disagreements that nobody has read: {unread}"
    multi, rows = multi_test(folder, half)
    if multi:
        clear = [c for c in multi if rows[c.file]["multi"] in "01"]
        yield f"{half}: {len(clear)} notebooks labelled for selection on test"
        yield from scores("  multi-test", clear, lambda c: c.positive)
        for chosen in ("code", "text", "none"):
            own = [c for c in clear if c.positive and rows[c.file]["chosen"] == chosen]
            hits = sum(bool(c.findings) for c in own)
            yield f"  recall where the choice is in {chosen:5s} {share(hits, len(own))}"
        other = [c for c in multi if rows[c.file]["multi"] not in "01"]
        fired = sum(bool(c.findings) for c in other)
        yield f"  neither (rows called validation, or undecided): fired on {fired} of {len(other)}"
    else:
        yield f"{half}: multi-test not measured, {folder / 'multi'} has none of its notebooks"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with (out / f"{half}-findings.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            header = ["file", "kind", "what", "code", "line", "severity", "verdict", "message"]
            writer.writerow(header)
            writer.writerows(listing([*cases, *multi], verdicts))


def report_scripts(folder: Path, halves: Sequence[str], detail: bool) -> Iterator[str]:
    """The lines of the scripts."""
    cases, calls = scripts(folder, halves)
    yield f"{len(cases)} scripts"
    for kind in ("preprocessing", "overlap"):
        yield from scores(f"  {kind}", [c for c in cases if c.kind == kind], lambda c: c.positive)
    yield f"  leaky calls of fit found   {share(calls.found, calls.labelled)}"
    yield f"  calls of fit named, leaky  {share(calls.right, calls.named)}"
    if detail:
        yield from (f"    missed {text}" for text in calls.missed)
        yield from (f"    named, not labelled {text}" for text in calls.wrong)
        yield from (
            f"    wrong as a whole {c.file}" for c in cases if c.positive != bool(c.findings)
        )


def main(arguments: Sequence[str] = ()) -> None:
    """Score the halves and the scripts."""
    words = list(arguments)
    out: Path | None = None
    halves: tuple[str, ...] = HALVES
    if "--list" in words:
        at = words.index("--list")
        out = Path(words[at + 1])
        del words[at : at + 2]
    if "--half" in words:
        at = words.index("--half")
        halves = (words[at + 1],)
        del words[at : at + 2]
    folder = Path(words[0] if words else os.environ.get("AUTOSOTA_LEAKAGE_DATA", ""))
    if not (folder / "notebook-leakage-labels.csv").is_file():
        print("not measured: name the folder of the labelled files (see tests/bench/leakage.py)")
        return
    for half in halves:
        for line in report(folder, half, out):
            print(line)
    for line in report_scripts(folder, halves, out is not None):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
