import argparse

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split


def run(seed):
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=7)
    model = Ridge(alpha=0.1, random_state=seed)
    model.fit(X_train, y_train)
    predicted = model.predict(X_test)
    rmse = np.sqrt(mean_squared_error(y_test, predicted))
    return rmse


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rmse = run(args.seed)
    print(f"METRIC rmse={rmse:.3f}")
