"""Repeat units of polymers as graphs; the target is the glass transition in kelvin."""
import json
from dataclasses import dataclass

import torch

ATOMS = ["C", "N", "O", "F", "S", "Cl", "Si", "*"]
BONDS = ["single", "double", "triple", "aromatic"]


@dataclass
class Batch:
    x: torch.Tensor          # [nodes] atom index
    edge: torch.Tensor       # [2, edges]
    kind: torch.Tensor       # [edges] bond index
    graph: torch.Tensor      # [nodes] graph of each node
    y: torch.Tensor          # [graphs] kelvin

    @property
    def size(self):
        return len(self.y)


def read(folder):
    with open(f"{folder}/graphs.jsonl") as f:
        polymers = {p["id"]: p for p in map(json.loads, f)}
    with open(f"{folder}/split.json") as f:
        split = json.load(f)
    return {part: [polymers[i] for i in ids] for part, ids in split.items()}


def collate(polymers):
    x, src, dst, kind, graph, y = [], [], [], [], [], []
    for g, p in enumerate(polymers):
        at = len(x)
        x += [ATOMS.index(a) for a in p["atoms"]]
        graph += [g] * len(p["atoms"])
        for a, b, k in p["bonds"]:
            src += [at + a, at + b]
            dst += [at + b, at + a]
            kind += [BONDS.index(k)] * 2
        y.append(p["tg"])
    return Batch(torch.tensor(x), torch.tensor([src, dst]), torch.tensor(kind),
                 torch.tensor(graph), torch.tensor(y, dtype=torch.float32))


def batches(polymers, size, gen=None):
    order = range(len(polymers)) if gen is None else torch.randperm(len(polymers), generator=gen).tolist()
    order = list(order)
    for i in range(0, len(order), size):
        yield collate([polymers[j] for j in order[i:i + size]])
