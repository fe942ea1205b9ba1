"""Forecast electricity load with a ridge on lags."""
import json
import os
import sys
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

LAGS = 24
HORIZON = 24 * 28

def make_windows(series, lags):
    x = np.stack([series[i:i + lags] for i in range(len(series) - lags)])
    y = series[lags:]
    return x, y

def mape(y, p):
    return 100 * np.mean(np.abs((y - p) / y))

def main():
    out = sys.argv[1]
    series = pd.read_csv("data/load.csv")["load"].values.astype(float)
    train, test = series[:-HORIZON], series[-HORIZON - LAGS:]
    val = train[-HORIZON - LAGS:]
    train = train[:-HORIZON]
    mu, sd = train.mean(), train.std()
    x, y = make_windows((train - mu) / sd, LAGS)
    model = Ridge(alpha=1.0).fit(x, y)
    results = {}
    for name, part in (("val", val), ("test", test)):
        xp, yp = make_windows((part - mu) / sd, LAGS)
        pred = model.predict(xp) * sd + mu
        results[name] = {"mape": mape(part[LAGS:], pred), "mae": float(np.abs(part[LAGS:] - pred).mean())}
    os.makedirs(out, exist_ok=True)
    open(os.path.join(out, "scores.json"), "w").write(json.dumps(results))

if __name__ == "__main__":
    main()
