import argparse

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

t = np.arange(400)
series = np.sin(t / 7) + t / 200 + np.cos(t / 3.1) / 3
X = np.stack([series[i : i + 8] for i in range(len(series) - 8)])
y = series[8:]
cut = int(len(X) * 0.75)
X_train, X_test = X[:cut], X[cut:]
y_train, y_test = y[:cut], y[cut:]
model = RandomForestRegressor(n_estimators=10, random_state=args.seed)
model.fit(X_train, y_train)
mae = mean_absolute_error(y_test, model.predict(X_test))
print(f"METRIC test_mae={mae:.5f}")
