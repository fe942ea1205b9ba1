"""From the policy table to a numeric matrix."""
from typing import Dict, List

import numpy as np
import pandas as pd

NUMERIC: List[str] = ["driver_age", "vehicle_age", "vehicle_power", "bonus_malus", "density"]
CATEGORICAL: List[str] = ["region", "brand", "fuel", "usage"]
CLAIMS, EXPOSURE = "claims", "exposure"


class Encoder:
    """Ordinal codes for categories, learnt on the rows given to `fit`; unseen ones become -1."""

    def __init__(self) -> None:
        self.codes: Dict[str, Dict[str, int]] = {}

    def fit(self, df: pd.DataFrame) -> "Encoder":
        for col in CATEGORICAL:
            levels = sorted(df[col].dropna().astype(str).unique())
            self.codes[col] = {level: i for i, level in enumerate(levels)}
        return self

    def transform(self, df: pd.DataFrame) -> pd.DataFrame:
        out = df[NUMERIC].astype(float).copy()
        for col in CATEGORICAL:
            out[col] = df[col].astype(str).map(self.codes[col]).fillna(-1).astype(int)
        return out


def read(path: str) -> pd.DataFrame:
    df = pd.read_csv(path, dtype={"quote_month": str})
    return df.sort_values("policy_id").reset_index(drop=True)


def observed_frequency(df: pd.DataFrame) -> np.ndarray:
    return (df[CLAIMS] / df[EXPOSURE]).to_numpy()
