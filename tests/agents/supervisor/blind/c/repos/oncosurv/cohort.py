import numpy as np
import pandas as pd

CONTINUOUS = ["age", "bmi", "hb", "crp", "tumour_mm", "nodes_positive"]
ORDINAL = {"stage": ["I", "II", "III", "IV"], "grade": ["G1", "G2", "G3"]}
TEST_HOSPITALS = ("H07", "H11", "H19")
VAL_HOSPITALS = ("H03", "H14")


def read(path):
    df = pd.read_csv(path, parse_dates=["diagnosed", "last_seen"])
    df["months"] = (df["last_seen"] - df["diagnosed"]).dt.days / 30.44
    df = df[df["months"] > 0].reset_index(drop=True)
    return df


def by_hospital(df):
    is_test = df["hospital"].isin(TEST_HOSPITALS)
    is_val = df["hospital"].isin(VAL_HOSPITALS)
    return df[~is_test & ~is_val], df[is_val], df[is_test]


def raw_matrix(df):
    cols = [df[CONTINUOUS].to_numpy(float)]
    for name, levels in ORDINAL.items():
        codes = pd.Categorical(df[name], categories=levels, ordered=True).codes.astype(float)
        codes[codes < 0] = np.nan
        cols.append(codes[:, None])
    return np.hstack(cols)


class Prep:
    """Median imputation and scaling learned on the training hospitals."""

    def fit(self, X):
        self.med = np.nanmedian(X, axis=0)
        Z = np.where(np.isnan(X), self.med, X)
        self.mu, self.sd = Z.mean(0), Z.std(0) + 1e-9
        return self

    def apply(self, X):
        Z = np.where(np.isnan(X), self.med, X)
        return (Z - self.mu) / self.sd
