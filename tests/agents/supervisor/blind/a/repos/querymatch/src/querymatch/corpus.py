"""Pairs of questions as tab separated files, one per part."""
import csv
from dataclasses import dataclass
from pathlib import Path

DATA = Path("data/pairs")


@dataclass(frozen=True)
class Pair:
    left: str
    right: str
    same: int


def load_part(part: str) -> list[Pair]:
    rows = []
    with open(DATA / f"{part}.tsv", newline="", encoding="utf8") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            rows.append(Pair(row["q1"], row["q2"], int(row["is_duplicate"])))
    return rows


def normalise(text: str) -> str:
    return " ".join(text.lower().split())
