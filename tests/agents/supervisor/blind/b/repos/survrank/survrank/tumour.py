import numpy as np
import pandas as pd

CLINICAL = ["age", "stage", "grade", "ki67", "er", "pr", "her2"]


def load(csv="tumour_registry.csv"):
    df = pd.read_csv(csv).dropna(subset=["months", "deceased"])
    genes = [c for c in df.columns if c.startswith("g_")]
    X = df[CLINICAL + genes].fillna(0.0).to_numpy(float)
    return X, df["months"].to_numpy(float), df["deceased"].to_numpy(bool)


def thirds(n):
    order = np.random.default_rng(2024).permutation(n)
    a, b = int(0.6 * n), int(0.8 * n)
    return order[:a], order[a:b], order[b:]
