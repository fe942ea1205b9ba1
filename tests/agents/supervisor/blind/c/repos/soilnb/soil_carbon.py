#!/usr/bin/env python
# coding: utf-8

# # Soil organic carbon from near-infrared spectra

# In[1]:


import os

import numpy as np
import pandas as pd
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import GroupKFold

from preproc import smooth, snv

SEED = int(os.environ.get("SOIL_SEED", "0"))
np.random.seed(SEED)


# In[2]:


# survey 2015-2019: for model building; survey 2021: held out, opened once at the end
survey = pd.read_csv("spectra/survey_2015_2019.csv")
holdout = pd.read_csv("spectra/survey_2021.csv")
bands = [c for c in survey.columns if c.startswith("nm_")]
print(len(survey), "samples,", len(bands), "bands")


# In[3]:


def features(df):
    S = df[bands].to_numpy(float)
    return snv(smooth(S))


def rmse(y, yhat):
    return float(np.sqrt(np.mean((np.asarray(y) - np.asarray(yhat)) ** 2)))


def site_folds(df, k=5):
    return list(GroupKFold(k).split(df, groups=df["site"]))


# In[4]:


X, y = features(survey), survey["carbon_pct"].to_numpy()


def cv_score(n_components):
    out = np.zeros(len(y))
    for tr, va in site_folds(survey):
        m = PLSRegression(n_components=n_components).fit(X[tr], y[tr])
        out[va] = m.predict(X[va]).ravel()
    return rmse(y, out)


# In[5]:


N_COMP = 10
cv = cv_score(N_COMP)
print("components", N_COMP, "cv", round(cv, 4))


# In[6]:


final = PLSRegression(n_components=N_COMP).fit(X, y)
pred = final.predict(features(holdout)).ravel()
test = rmse(holdout["carbon_pct"], pred)
print(f"METRIC cv_rmse={cv:.5f}")
print(f"METRIC holdout_rmse={test:.5f}")
