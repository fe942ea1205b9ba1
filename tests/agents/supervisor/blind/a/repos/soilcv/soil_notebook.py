#!/usr/bin/env python
# coding: utf-8

# # Soil organic carbon from near infrared spectra
#
# Exported from `soil.ipynb`.

# In[1]:

import os

import numpy as np
import pandas as pd
from sklearn.cross_decomposition import PLSRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = int(os.environ.get("SEED", "0"))
np.random.seed(SEED)

# In[2]:

soil = pd.read_csv("nir_soil.csv")
bands = [c for c in soil.columns if c.startswith("w")]
X = soil[bands].to_numpy()
y = soil["organic_carbon"].to_numpy()
site = soil["site_id"].to_numpy()
print(X.shape, y.mean().round(3), len(np.unique(site)), "sites")

# In[3]:


def snv(spectra):
    """Standard normal variate, one spectrum at a time."""
    return (spectra - spectra.mean(1, keepdims=True)) / spectra.std(1, keepdims=True)


def derivative(spectra, width=5):
    kernel = np.linspace(1, -1, width)
    kernel /= np.abs(kernel).sum()
    return np.apply_along_axis(lambda s: np.convolve(s, kernel, mode="same"), 1, spectra)


# In[4]:


def make_model():
    return make_pipeline(StandardScaler(), PLSRegression(n_components=12))


Z = np.hstack([snv(X), derivative(snv(X))])

# In[5]: evaluation, whole sites are left out

folds = GroupKFold(n_splits=5)
fold_scores = []
oof = np.zeros_like(y, dtype=float)
for k, (fit_rows, held_rows) in enumerate(folds.split(Z, y, groups=site)):
    model = make_model()
    model.fit(Z[fit_rows], y[fit_rows])
    guess = np.ravel(model.predict(Z[held_rows]))
    oof[held_rows] = guess
    fold_scores.append(r2_score(y[held_rows], guess))
    print(f"fold {k}: R2 {fold_scores[-1]:.4f} on {len(held_rows)} samples")

# In[6]:

print(f"mean R2 over folds = {np.mean(fold_scores):.5f}")
pd.DataFrame({"site": site, "truth": y, "guess": oof}).to_csv("oof.csv", index=False)
