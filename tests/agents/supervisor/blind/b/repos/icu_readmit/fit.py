import argparse
import json
import pathlib

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler

import cohort


def summarise(y, p):
    return {
        "auroc": float(roc_auc_score(y, p)),
        "auprc": float(average_precision_score(y, p)),
        "brier": float(brier_score_loss(y, p)),
        "n": int(len(y)),
    }


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--export", default="data/ward_export.csv")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--c", type=float, default=0.1)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()

    adm = cohort.add_history(cohort.load_export(args.export))
    past, tune, hold = cohort.era_masks(adm)
    y = adm[cohort.OUTCOME].to_numpy(dtype=int)

    num = cohort.numeric_block(adm).to_numpy()
    _, vocab = cohort.code_block(adm[past])
    codes, _ = cohort.code_block(adm, vocab)

    imputer = SimpleImputer(strategy="median").fit(num[past])
    scaler = StandardScaler().fit(imputer.transform(num[past]))
    X = np.hstack([scaler.transform(imputer.transform(num)), codes])

    model = LogisticRegression(C=args.c, max_iter=500, random_state=args.seed)
    model.fit(X[past], y[past])

    p = model.predict_proba(X)[:, 1]
    report = {
        "tuning": summarise(y[tune], p[tune]),
        "holdout": summarise(y[hold], p[hold]),
    }
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
