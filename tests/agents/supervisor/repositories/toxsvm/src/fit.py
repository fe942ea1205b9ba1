import argparse

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from text import read


def pipeline(seed, c=1.0):
    return Pipeline([
        ("tfidf", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)),
        ("svm", LinearSVC(C=c, class_weight="balanced", random_state=seed)),
    ])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", required=True)
    args = parser.parse_args()
    comments, labels = read("corpus/train.csv")
    model = pipeline(args.seed).fit(comments, labels)
    joblib.dump(model, args.to)
