"""Parts by month of application: a loan is judged by a model that saw earlier loans only."""
import numpy as np


def by_month(loans, valid_from, test_from):
    month = loans["month"].astype(str)
    part = np.where(month >= str(test_from), "test", np.where(month >= str(valid_from), "valid", "train"))
    return {name: np.flatnonzero(part == name) for name in ("train", "valid", "test")}
