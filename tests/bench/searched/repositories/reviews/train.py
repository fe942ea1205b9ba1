"""Sentiment of product reviews: TF-IDF and a linear classifier."""

import argparse
import csv
import random
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline

HERE = Path(__file__).parent


def read_reviews():
    with open(HERE / "reviews.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [int(row["positive"]) for row in rows]


def sample_training(texts, labels, seed, share=0.5):
    """Half of the training reviews, another half for each seed."""
    chosen = random.Random(seed).sample(range(len(texts)), int(share * len(texts)))
    return [texts[i] for i in chosen], [labels[i] for i in chosen]


def build_pipeline(seed):
    return Pipeline(
        [
            ("tfidf", TfidfVectorizer(min_df=3)),
            ("clf", SGDClassifier(alpha=0.01, max_iter=30, random_state=seed)),
        ]
    )


def evaluate(model, texts, labels):
    return accuracy_score(labels, model.predict(texts))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    texts, labels = read_reviews()
    train_texts, train_labels = sample_training(texts[:800], labels[:800], args.seed)
    model = build_pipeline(args.seed)
    model.fit(train_texts, train_labels)
    print(f"METRIC val_accuracy={evaluate(model, texts[800:1500], labels[800:1500]):.6f}")
    print(f"METRIC test_accuracy={evaluate(model, texts[1500:], labels[1500:]):.6f}")


if __name__ == "__main__":
    main()
