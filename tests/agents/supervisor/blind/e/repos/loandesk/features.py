"""Table of features, one row per loan.

loans.csv: loan, customer, month, amount, income, age, purpose, region, employer, bad
payments.csv: customer, month, due, paid (payments on former loans of the bank)
"""
import numpy as np
import pandas as pd

NUMERIC = ["amount", "income", "age"]
CATEGORIES = ["purpose", "region", "employer"]


def load(data):
    loans = pd.read_csv(data["loans"])
    payments = pd.read_csv(data["payments"])
    return loans, payments


def months_between(later, earlier):
    later = pd.PeriodIndex(later, freq="M")
    earlier = pd.PeriodIndex(earlier, freq="M")
    return np.asarray(later.year * 12 + later.month) - np.asarray(earlier.year * 12 + earlier.month)


def payment_history(loans, payments, months):
    """Sums of the payments a customer made in the months before the application."""
    joined = loans[["loan", "customer", "month"]].merge(payments, on="customer", suffixes=("", "_paid"))
    age = months_between(joined["month"], joined["month_paid"])
    joined = joined[(age > 0) & (age <= months)]
    joined["short"] = (joined["due"] - joined["paid"]).clip(lower=0)
    joined["missed"] = (joined["paid"] < 0.5 * joined["due"]).astype(int)
    sums = joined.groupby("loan")[["due", "short", "missed"]].sum()
    return sums.reindex(loans["loan"]).reset_index(drop=True)


def encode(loans, train_rows, least):
    """Integer codes; what is rare or unknown among the training loans shares code 0."""
    codes = {}
    for name in CATEGORIES:
        counts = loans[name].iloc[train_rows].value_counts()
        known = {value: i + 1 for i, value in enumerate(counts.index[counts >= least])}
        codes[name] = loans[name].map(known).fillna(0).astype(int)
    return pd.DataFrame(codes)


def build(loans, payments, train_rows, cfg):
    table = loans[NUMERIC].astype(float)
    table["burden"] = loans["amount"] / loans["income"].clip(lower=1)
    table = pd.concat([table,
                       payment_history(loans, payments, cfg["history_months"]),
                       encode(loans, train_rows, cfg["min_category"])], axis=1)
    return table
