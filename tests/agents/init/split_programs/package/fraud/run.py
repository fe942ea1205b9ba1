import argparse

from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB

from fraud.data import load


def experiment(seed):
    X_train, X_test, y_train, y_test = load(0.3)
    model = GaussianNB(var_smoothing=0.1)
    model.fit(X_train, y_train)
    scores = model.predict_proba(X_test)[:, 1]
    return {"auc": roc_auc_score(y_test, scores), "seed": seed}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    results = experiment(args.seed)
    print(f"METRIC test_auc={results['auc']:.4f}")


if __name__ == "__main__":
    main()
