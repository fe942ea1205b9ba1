"""Weekly clinic visits with statsmodels, one series per clinic."""
import argparse
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from helpers import HELD_OUT, read_series, summarise

logger = logging.getLogger("visits")


def forecast_one(history: pd.Series, steps: int) -> np.ndarray:
    model = ExponentialSmoothing(history, trend="add", seasonal=None, initialization_method="estimated")
    return model.fit().forecast(steps).to_numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", default="visits.csv")
    parser.add_argument("--out", default="results")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    warnings.filterwarnings("ignore", module="statsmodels")

    pairs = {}
    for clinic, series in read_series(args.table).items():
        history, future = series.iloc[:-HELD_OUT], series.iloc[-HELD_OUT:]
        guess = forecast_one(history, HELD_OUT)
        pairs[clinic] = (future.to_numpy(), guess)
        logger.info("%s: %d weeks of history", clinic, len(history))

    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "scores.json").write_text(json.dumps(summarise(pairs), indent=2))


if __name__ == "__main__":
    main()
