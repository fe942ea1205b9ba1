"""Sentiment: train on labelled reviews, predict the test reviews."""
import argparse
import json
from pathlib import Path

import pandas as pd
from evaluate import accuracy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

HERE = Path(__file__).parent


def load(name):
    return pd.read_csv(HERE / "data" / f"{name}.csv")


def build(seed):
    return Pipeline(
        [
            ("tfidf", TfidfVectorizer(min_df=2)),
            ("clf", LogisticRegression(C=1.0, max_iter=1000, random_state=seed)),
        ]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="out")
    args = parser.parse_args()
    train = load("train")
    test = load("test")
    fit, val = train_test_split(train, test_size=0.2, random_state=17)
    model = build(args.seed)
    model.fit(fit["text"], fit["label"])
    print(f"METRIC val_accuracy={accuracy(val['label'], model.predict(val['text'])):.4f}")
    out = Path(args.out)
    out.mkdir(exist_ok=True)
    predictions = [
        {"id": int(i), "label": int(p)} for i, p in zip(test["id"], model.predict(test["text"]))
    ]
    (out / "predictions.json").write_text(json.dumps(predictions))


if __name__ == "__main__":
    main()
