import argparse

import numpy as np
import pandas as pd
import xgboost as xgb

ap = argparse.ArgumentParser()
ap.add_argument("--features", required=True)
ap.add_argument("--ranker", required=True)
ap.add_argument("--part", required=True)
ap.add_argument("--out", required=True)
args = ap.parse_args()

features = dict(np.load(args.features))
booster = xgb.Booster(model_file=args.ranker)
rows = features["part"] == args.part
score = booster.predict(xgb.DMatrix(features["X"][rows]))
pd.DataFrame({"query": features["query"][rows], "product": features["product"][rows],
              "score": score}).to_csv(args.out, index=False)
