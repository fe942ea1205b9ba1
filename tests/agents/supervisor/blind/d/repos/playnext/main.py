import argparse

import numpy as np

import catalogue
import protocol
from models import BPR, ItemKNN, Popularity


def build(name, seed):
    return {"pop": Popularity(), "knn": ItemKNN(), "bpr": BPR(seed=seed)}[name]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--plays", default="plays")
    ap.add_argument("--model", choices=("pop", "knn", "bpr"), default="knn")
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    np.random.seed(args.seed)

    plays, n_tracks = catalogue.read_plays(args.plays)
    history, val, test = protocol.leave_last(plays)

    model = build(args.model, args.seed).fit(history, n_tracks)

    val_score = protocol.recall_at_k(lambda u: model.scores(history[u]), history, val)

    # for the test the validation play is known too
    longer = {u: seq + [val[u]] if u in val else seq for u, seq in history.items()}
    test_score = protocol.recall_at_k(lambda u: model.scores(longer[u]), longer, test)

    print(f"METRIC val_recall20={val_score:.5f}")
    print(f"METRIC test_recall20={test_score:.5f}")


if __name__ == "__main__":
    main()
