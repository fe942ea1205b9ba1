# %% [markdown]
# # City bikes: hourly demand
# Exported from the notebook.  The competition hides the last third of every month, so
# the hold-out here is the 15th to the 19th of each month and we fit on the days before.

# %%
import sys

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GroupKFold

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0
np.random.seed(SEED)

# %%
rides = pd.read_csv("input/hourly.csv", parse_dates=["datetime"])
rides = rides.sort_values("datetime").reset_index(drop=True)
print(rides.shape)
rides.head()


# %%
def rmsle(actual, predicted):
    predicted = np.clip(predicted, 0, None)
    return float(np.sqrt(np.mean((np.log1p(predicted) - np.log1p(actual)) ** 2)))


# %% [markdown]
# ## Features
# `casual` and `registered` sum to `count` and are of course not known beforehand.

# %%
def add_time(df):
    df = df.copy()
    df["hour"] = df.datetime.dt.hour
    df["weekday"] = df.datetime.dt.dayofweek
    df["month"] = df.datetime.dt.month
    df["year"] = df.datetime.dt.year
    return df


rides = add_time(rides)

# %%
is_fit = rides.datetime.dt.day < 15
fit_df = rides[is_fit].reset_index(drop=True)
holdout_df = rides[~is_fit].reset_index(drop=True)
print(len(fit_df), "rows to fit,", len(holdout_df), "held out")

# %%
FEATURES = ["season", "holiday", "workingday", "weather", "temp", "atemp", "humidity", "windspeed",
            "hour", "weekday", "month", "year"]

X, y = fit_df[FEATURES], fit_df["count"].values
X_hold, y_hold = holdout_df[FEATURES], holdout_df["count"].values


# %%
def make_model(seed):
    return RandomForestRegressor(n_estimators=200, min_samples_leaf=2, n_jobs=2, random_state=seed)


# %%
# one fold = some of the (year, month) blocks
blocks = fit_df.year * 100 + fit_df.month
fold_scores = []
for tr, va in GroupKFold(n_splits=5).split(X, y, groups=blocks):
    m = make_model(SEED).fit(X.iloc[tr], np.log1p(y[tr]))
    fold_scores.append(rmsle(y[va], np.expm1(m.predict(X.iloc[va]))))
print("folds", np.round(fold_scores, 4))

# %%
model = make_model(SEED).fit(X, np.log1p(y))
pred_hold = np.expm1(model.predict(X_hold))

print("METRIC cv_rmsle={:.5f}".format(np.mean(fold_scores)))
print("METRIC holdout_rmsle={:.5f}".format(rmsle(y_hold, pred_hold)))

# %%
imp = pd.Series(model.feature_importances_, FEATURES).sort_values(ascending=False)
print(imp.round(3).to_string())
