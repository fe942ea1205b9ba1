"""Sentences: corpus/{train,dev,test}.txt has one sentence a line, words parted by spaces.

corpus/train.tags has the tags of the training words.  The other tags are for the scorer, except
those of dev, which may be used to choose the number of passes.
"""
from pathlib import Path


def words(folder, part):
    return [line.split() for line in (Path(folder) / f"{part}.txt").read_text().splitlines()]


def tags(folder, part):
    path = Path(folder) / "train.tags" if part == "train" else Path(folder) / "gold" / f"{part}.tags"
    if part not in ("train", "dev"):
        raise ValueError(f"no tags of {part} here")
    return [line.split() for line in path.read_text().splitlines()]
