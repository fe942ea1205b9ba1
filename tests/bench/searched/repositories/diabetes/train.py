"""Disease progression after a year, by a random forest. RMSE over random splits."""

import argparse

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

X, y = load_diabetes(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(X, y, test_size=0.5, random_state=args.seed)
X_val, X_test, y_val, y_test = train_test_split(
    X_rest, y_rest, test_size=0.5, random_state=args.seed
)

model = RandomForestRegressor(n_estimators=30, random_state=args.seed)
model.fit(X_train, y_train)


def rmse(X, y):
    return float(np.sqrt(np.mean((model.predict(X) - y) ** 2)))


print(f"METRIC val_rmse={rmse(X_val, y_val):.6f}")
print(f"METRIC test_rmse={rmse(X_test, y_test):.6f}")
