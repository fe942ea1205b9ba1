"""Hospital decides the part: A, B, C are for training, D for choices, E for the report."""
import pandas as pd

PART = {"A": "train", "B": "train", "C": "train", "D": "val", "E": "test"}


def read(path):
    table = pd.read_csv(path)
    return table, table["hospital"].map(PART).to_numpy()
