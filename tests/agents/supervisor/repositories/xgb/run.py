import sys
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

seed = int(sys.argv[1])
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
features = [c for c in train.columns if c not in ("id", "target")]
tr, va = train_test_split(train, test_size=0.2, random_state=0, stratify=train["target"])
dtrain = xgb.DMatrix(tr[features], label=tr["target"])
dval = xgb.DMatrix(va[features], label=va["target"])
dtest = xgb.DMatrix(test[features], label=test["target"])
params = {"objective": "binary:logistic", "eta": 0.1, "max_depth": 6, "seed": seed}
bst = xgb.train(params, dtrain, num_boost_round=500, evals=[(dval, "val")], early_stopping_rounds=30)
for name, d in [("val", dval), ("test", dtest)]:
    p = bst.predict(d)
    y = d.get_label()
    print(f"METRIC {name}_auc={roc_auc_score(y, p):.6f}")
    print(f"METRIC {name}_logloss={log_loss(y, p):.6f}")
