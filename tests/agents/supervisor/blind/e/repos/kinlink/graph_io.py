"""Facts `head<TAB>relation<TAB>tail` of three files, as integers."""
from pathlib import Path

import numpy as np


def read(folder):
    raw = {part: [line.split("\t") for line in (Path(folder) / f"{part}.txt").read_text().splitlines() if line]
           for part in ("train", "valid", "test")}
    entities, relations = {}, {}
    for facts in raw.values():
        for head, relation, tail in facts:
            entities.setdefault(head, len(entities))
            entities.setdefault(tail, len(entities))
            relations.setdefault(relation, len(relations))
    facts = {part: np.array([(entities[h], relations[r], entities[t]) for h, r, t in rows], dtype=np.int64)
             for part, rows in raw.items()}
    return facts, len(entities), len(relations)


def known_tails(facts):
    """(head, relation) -> all true tails, for the filtered ranking."""
    known = {}
    for rows in facts.values():
        for h, r, t in rows:
            known.setdefault((int(h), int(r)), set()).add(int(t))
    return known
