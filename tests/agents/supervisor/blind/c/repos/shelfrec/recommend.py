import argparse

import numpy as np
import pandas as pd
from scipy import sparse

from models import ItemKNN
from ranking import ndcg_at_k
from split import leave_last_out


def matrix(loans, n_readers, n_books):
    data = np.ones(len(loans), dtype=np.float32)
    M = sparse.csr_matrix((data, (loans["reader"], loans["book"])), shape=(n_readers, n_books))
    M.data[:] = 1.0
    return M


def assess(model, M, held_out):
    rows = M[held_out["reader"].to_numpy()]
    seen = [rows[i].indices for i in range(rows.shape[0])]
    return ndcg_at_k(model.scores(rows), seen, held_out["book"].to_numpy())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--loans", default="loans/loans.parquet")
    ap.add_argument("--neighbours", type=int, default=50)
    ap.add_argument("--shrink", type=float, default=10.0)
    ap.add_argument("--seed", type=int, default=0)
    args = ap.parse_args()
    np.random.seed(args.seed)

    loans = pd.read_parquet(args.loans)
    loans = loans.drop_duplicates(["reader", "book"], keep="first")
    n_readers, n_books = loans["reader"].max() + 1, loans["book"].max() + 1
    train, val, test = leave_last_out(loans)

    M = matrix(train, n_readers, n_books)
    model = ItemKNN(args.neighbours, args.shrink).fit(M)
    print(f"METRIC val_ndcg10={assess(model, M, val):.5f}")

    # the validation loan is history by the time of the test loan
    M = matrix(pd.concat([train, val]), n_readers, n_books)
    model = ItemKNN(args.neighbours, args.shrink).fit(M)
    print(f"METRIC test_ndcg10={assess(model, M, test):.5f}")


if __name__ == "__main__":
    main()
