import argparse
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

p = argparse.ArgumentParser()
p.add_argument("--seed", type=int, default=0)
args = p.parse_args()
X, y = load_breast_cancer(return_X_y=True)
clf = make_pipeline(StandardScaler(), RandomForestClassifier(100, random_state=args.seed))
cv = StratifiedKFold(5, shuffle=True, random_state=0)
scores = cross_val_score(clf, X, y, cv=cv, scoring="roc_auc")
print(f"METRIC auc={scores.mean():.4f}")
print(f"METRIC auc_std={scores.std():.4f}")
