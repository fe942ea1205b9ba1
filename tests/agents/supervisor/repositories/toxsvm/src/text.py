import re

import pandas as pd


def clean(comment):
    comment = re.sub(r"@\w+", " user ", comment.lower())
    return re.sub(r"\s+", " ", comment).strip()


def read(path):
    table = pd.read_csv(path)
    return table["comment"].fillna("").map(clean), table["label"]
