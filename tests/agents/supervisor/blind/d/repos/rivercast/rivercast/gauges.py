"""Daily gauge records.

Columns of gauges/<station>.csv: date, discharge (m3/s), rain (mm), temp (deg C), pet (mm).
The water years up to 2009 are for training, 2010-2012 for validation, 2013 onwards for the test.
"""
from pathlib import Path

import numpy as np
import pandas as pd

TRAIN_END = pd.Timestamp("2009-09-30")
VAL_END = pd.Timestamp("2012-09-30")
FORCING = ["rain", "temp", "pet"]


def read_station(path: Path) -> pd.DataFrame:
    df = pd.read_csv(path, parse_dates=["date"]).set_index("date").asfreq("D")
    df[FORCING] = df[FORCING].interpolate(limit=3, limit_area="inside").fillna(0.0)
    df["flow"] = np.log1p(df["discharge"])
    return df


def read_all(folder):
    return {p.stem: read_station(p) for p in sorted(Path(folder).glob("*.csv"))}


def period(df, part):
    if part == "train":
        return df.index <= TRAIN_END
    if part == "val":
        return (df.index > TRAIN_END) & (df.index <= VAL_END)
    return df.index > VAL_END
