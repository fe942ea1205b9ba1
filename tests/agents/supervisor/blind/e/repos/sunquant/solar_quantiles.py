# %% [markdown]
# # Solar power of tomorrow, nine quantiles
# The forecast is issued at noon for all hours of the next day, so the newest known power is
# that of 36 hours before at the latest hour.  Exported from the notebook, run top to bottom.

# %%
import argparse

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import TimeSeriesSplit

from weather import elevation, read_plant

# %%
ap = argparse.ArgumentParser()
ap.add_argument("--seed", type=int, default=0)
SEED = ap.parse_args().seed
LEVELS = np.arange(1, 10) / 10
TEST_FROM = pd.Timestamp("2020-07-01")

# %%
table = read_plant()
print(len(table), "hours,", table.time.min(), "to", table.time.max())


# %% [markdown]
# ## Score
# Mean pinball loss over hours of daylight and all nine levels, in per cent of capacity.

# %%
def pinball(power, quantiles):
    """power [n], quantiles [n, 9]"""
    gap = power[:, None] - quantiles
    return float(100 * np.mean(np.maximum(LEVELS * gap, (LEVELS - 1) * gap)))


# %% [markdown]
# ## Features

# %%
def add_features(t):
    t = t.copy()
    t["elevation"] = elevation(t.time)
    t["hour"] = t.time.dt.hour
    t["day"] = t.time.dt.dayofyear
    lagged = t.set_index("time").power
    for hours in (48, 72):
        t[f"power_{hours}"] = lagged.reindex(t.time - pd.Timedelta(hours=hours)).to_numpy()
    return t


table = add_features(table)
table = table[table.elevation > 0].dropna().reset_index(drop=True)
FEATURES = [c for c in table.columns if c not in ("time", "power")]
print(FEATURES)

# %%
past = table[table.time < TEST_FROM]
future = table[table.time >= TEST_FROM]
X, y = past[FEATURES].to_numpy(), past.power.to_numpy()
X_test, y_test = future[FEATURES].to_numpy(), future.power.to_numpy()


# %% [markdown]
# ## Model
# One boosted regression per level, then sorted so that quantiles do not cross.

# %%
PARAMS = dict(n_estimators=80, max_depth=4, learning_rate=0.08, subsample=0.7, min_samples_leaf=20)


def fit(X, y):
    return [GradientBoostingRegressor(loss="quantile", alpha=a, random_state=SEED, **PARAMS).fit(X, y)
            for a in LEVELS]


def predict(models, X):
    q = np.column_stack([m.predict(X) for m in models])
    return np.clip(np.sort(q, axis=1), 0, 1)


# %%
losses = []
for fold, (a, b) in enumerate(TimeSeriesSplit(3).split(X)):
    losses.append(pinball(y[b], predict(fit(X[a], y[a]), X[b])))
    print("fold", fold, round(losses[-1], 3))

# %%
models = fit(X, y)
print(f"METRIC cv_pinball={np.mean(losses):.5f}")
print(f"METRIC test_pinball={pinball(y_test, predict(models, X_test)):.5f}")
