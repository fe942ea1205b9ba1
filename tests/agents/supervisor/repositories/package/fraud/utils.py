import yaml
from sklearn.metrics import f1_score, roc_auc_score


def read_config(path):
    with open(path) as handle:
        return yaml.safe_load(handle)


def columns_of(df, kind):
    return list(df.select_dtypes(kind).columns)


def summary(model, x, y, threshold=0.5):
    prob = model.predict_proba(x)[:, 1]
    return {
        "auc": roc_auc_score(y, prob),
        "f1": f1_score(y, prob >= threshold, average="macro"),
    }
