"""What the paper claims: its title, where it is, and a number that stands beside the metric.

Conservative: a number is only taken when one row or sentence names the metric and nothing
else could be meant. Whether the claim holds is what campaigns are for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from autosota.agents.domain import PaperClaim
from autosota.agents.init import documents
from autosota.agents.init.repository import Repository
from autosota.agents.objective import vocabulary

_NUMBER = re.compile(r"(?<![\w.])(\d{1,6}(?:\.\d+)?)\s*(%)?(?:\s*(?:±|\+/-|\\pm)\s*[\d.]+\s*%?)?")
_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})|arxiv:\s*(\d{4}\.\d{4,5})", re.I)
_SENTENCE = re.compile(r"[-*\s]*([A-Za-z][\w\s@/-]{2,40}?)\s*(?::|=|\bof\b|\bis\b)\s*(.+?)\.?")
_REFERENCE = re.compile(r"[(\[](?:see\s+)?(?:table|fig|sec|app|eq|row)[^)\]]*[)\]]", re.IGNORECASE)
_OURS = re.compile(r"\bours?\b|\bproposed\b|this (paper|work|repo)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PaperFound:
    """The paper of a repository, with where each part was found."""

    title: str = ""
    source: str = ""
    claims: tuple[PaperClaim, ...] = ()
    title_where: str = ""
    source_where: str = ""
    notes: tuple[str, ...] = ()


def find_paper(repo: Repository, metric: str, percent: bool, names: frozenset[str]) -> PaperFound:
    """The paper, and its number for one metric.

    Args:
        repo: The repository.
        metric: The claim's name.
        percent: True when the experiment shows it in percent.
        names: Lower-case names that the experiment's code uses; tells which row is meant.
    """
    document = next((p for p in repo.paths if re.fullmatch(r"paper\.(md|rst|txt)", p, re.I)), "")
    pdf = next((p for p in repo.paths if re.fullmatch(r"(docs/)?paper\.pdf", p, re.I)), "")
    readme = next((p for p in repo.documents if "/" not in p), "")
    found = PaperFound()
    for path in (document, readme):
        if not path:
            continue
        parsed = documents.parse(repo.text(path))
        if parsed.title and not found.title:
            found = replace(found, title=parsed.title, title_where=f"{path}: its first heading")
        claim = _claim(parsed, path, metric, names) if not found.claims else None
        if claim is not None:
            found = replace(found, claims=(_in_unit(claim, metric, percent),))
    if document or pdf:
        return replace(found, source=document or pdf, source_where="a file of the repository")
    if readme:
        ids = list(dict.fromkeys(m[1] or m[2] for m in _ARXIV.finditer(repo.text(readme))))
        if len(ids) == 1:
            return replace(found, source=f"arXiv:{ids[0]}", source_where=f"{readme}: its one link")
    return found


@dataclass(frozen=True, slots=True)
class _Number:
    value: float
    percent: bool
    where: str


def _claim(
    parsed: documents.Document, path: str, metric: str, names: frozenset[str]
) -> _Number | None:
    found: list[_Number] = []
    for table in parsed.tables:
        found += _in_table(table, path, metric, names)
    if not found:
        for line, text in parsed.prose:
            one = _in_sentence(documents.plain(text), metric)
            if one is not None:
                found.append(_Number(*one, f"{path}, line {line}"))
    values = {n.value for n in found}
    return found[0] if len(values) == 1 else None


def _in_table(
    table: documents.Table, path: str, metric: str, names: frozenset[str]
) -> list[_Number]:
    heads = [documents.plain(h) for h in table.header]
    columns = [i for i, h in enumerate(heads) if i and _names_metric(h, metric)]
    rows = [[documents.plain(c) for c in r] for r in table.rows]
    where = f"{path}, table in line {table.line}"
    if len(columns) == 1:
        row = _row(rows, names)
        if row is None or columns[0] >= len(row):
            return []
        number = _number(row[columns[0]])
        percent = "%" in heads[columns[0]] or "percent" in heads[columns[0]].lower()
        return (
            [_Number(number[0], number[1] or percent, f"{where}, row {row[0]}")] if number else []
        )
    found: list[_Number] = []
    for row in rows:
        # `| Test accuracy | 94.2 |`: the metric is the row.
        numbers = [n for n in (_number(c) for c in row[1:]) if n is not None]
        if row and _names_metric(row[0], metric) and len(numbers) == 1:
            found.append(_Number(*_with_unit(numbers[0], row[0]), f"{where}, row {row[0]}"))
    return found


def _row(rows: list[list[str]], names: frozenset[str]) -> list[str] | None:
    """The row that is meant: the only one, the one marked as ours, or the one the code names."""
    filled = [r for r in rows if r and r[0]]
    if len(filled) == 1:
        return filled[0]
    for told in (
        [r for r in filled if _OURS.search(r[0])],
        [r for r in filled if set(re.findall(r"[a-z]\w+", r[0].lower())) & names],
    ):
        if len(told) == 1:
            return told[0]
    return None


def _in_sentence(text: str, metric: str) -> tuple[float, bool] | None:
    """`Test accuracy: 94.2 %` and little else."""
    match = _SENTENCE.fullmatch(_REFERENCE.sub("", text).strip())
    if match is None or not _names_metric(match[1], metric):
        return None
    numbers = _NUMBER.findall(match[2])
    rest = _NUMBER.sub("", match[2]).strip(" .,()")
    if len(numbers) != 1 or len(rest.split()) > 6:
        return None
    return float(numbers[0][0]), bool(numbers[0][1])


def _names_metric(text: str, metric: str) -> bool:
    """True when text names this metric, and no other split of it."""
    if len(vocabulary.words(text)) > 6 or not vocabulary.is_metric(text):
        return False
    told, wanted = vocabulary.split_of(text), vocabulary.split_of(metric)
    if told and wanted and told != wanted:
        return False
    return vocabulary.base(text) == vocabulary.base(metric)


def _number(cell: str) -> tuple[float, bool] | None:
    match = _NUMBER.fullmatch(cell.strip().lstrip("~≈"))
    return (float(match[1]), bool(match[2]) or cell.strip().endswith("%")) if match else None


def _with_unit(number: tuple[float, bool], label: str) -> tuple[float, bool]:
    return number[0], number[1] or "%" in label


def _in_unit(number: _Number, metric: str, percent: bool) -> PaperClaim:
    """The claim in the unit of the metric: papers print percent, programs often fractions."""
    value, where = number.value, number.where
    in_percent = number.percent or (vocabulary.is_share(metric) and value > 1.0)
    if in_percent and not percent and vocabulary.is_share(metric):
        return PaperClaim(metric, round(value / 100, 10), f"{where} ({value:g} %)")
    if percent and not in_percent and vocabulary.is_share(metric):
        return PaperClaim(metric, round(value * 100, 10), f"{where} ({value:g})")
    return PaperClaim(metric, value, where)
