from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from fraud.utils import columns_of


def build(cfg, frame, seed):
    prep = make_column_transformer(
        (StandardScaler(), columns_of(frame, "number")),
        (OneHotEncoder(handle_unknown="ignore"), columns_of(frame, "object")),
    )
    forest = RandomForestClassifier(
        n_estimators=cfg["model"]["trees"],
        max_depth=cfg["model"]["depth"],
        random_state=seed,
    )
    return make_pipeline(prep, forest)
