from dataclasses import dataclass

import torch


@dataclass
class Graph:
    n_ent: int
    n_rel: int
    train: torch.Tensor
    valid: torch.Tensor
    test: torch.Tensor
    known: dict


def _read(fn, ents, rels):
    rows = []
    for line in open(fn):
        h, r, t = line.rstrip("\n").split("\t")
        rows.append((ents.setdefault(h, len(ents)), rels.setdefault(r, len(rels)),
                     ents.setdefault(t, len(ents))))
    return torch.tensor(rows)


def load_graph(root="triples"):
    ents, rels = {}, {}
    tr, va, te = (_read(f"{root}/{p}.txt", ents, rels) for p in ("train", "valid", "test"))
    known = {}
    for h, r, t in torch.cat([tr, va, te]).tolist():
        known.setdefault((h, r), set()).add(t)
    return Graph(len(ents), len(rels), tr, va, te, known)
