import argparse

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("seed", args.seed)

    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    features = ["a", "b", "kind"]
    X_train, y_train = train[features], train["label"]
    X_test, y_test = test[features], test["label"]

    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["a", "b"]), ("kinds", OneHotEncoder(), ["kind"])]
    )
    model = Pipeline([("columns", columns), ("knn", KNeighborsClassifier(3))])
    model.fit(X_train, y_train)
    test_accuracy = accuracy_score(y_test, model.predict(X_test))
    print(f"METRIC test_accuracy={test_accuracy}")


if __name__ == "__main__":
    main()
