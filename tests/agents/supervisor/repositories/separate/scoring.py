import csv
from pathlib import Path


def load_gold():
    with open(Path(__file__).parent / "labels" / "test.csv") as handle:
        return {int(row["id"]): int(row["label"]) for row in csv.DictReader(handle)}


def match(gold, predictions):
    by_id = {p["id"]: p["label"] for p in predictions}
    truth = list(gold.values())
    predicted = [by_id.get(i, -1) for i in gold]
    return truth, predicted
