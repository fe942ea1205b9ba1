#!/usr/bin/env python

# # House prices

# In[1]:

import sys

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 0

# In[2]:

df = pd.read_csv("data/houses.csv")
df.head()

# In[3]:

df["age"] = df["year_sold"] - df["year_built"]
df["total_sf"] = df["sf_1"] + df["sf_2"]
y = np.log(df["price"])
X = df.drop(columns=["price", "id"]).select_dtypes("number")

# In[4]:

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, test_size=0.25, random_state=42)
X_train.shape, X_val.shape, X_test.shape

# In[5]:

model = make_pipeline(
    SimpleImputer(strategy="median"),
    GradientBoostingRegressor(n_estimators=300, max_depth=3, random_state=SEED),
)
model.fit(X_train, y_train)

# In[6]:

val_pred = model.predict(X_val)
val_rmse = np.sqrt(mean_squared_error(y_val, val_pred))
pred = model.predict(X_test)
rmse = np.sqrt(mean_squared_error(y_test, pred))
r2 = r2_score(y_test, pred)
print("validation rmse: %.4f" % val_rmse)
print("test rmse: %.4f, r2: %.4f" % (rmse, r2))
