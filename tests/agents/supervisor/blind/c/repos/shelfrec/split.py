"""Leave-last-two-out: each reader's last loan is test, the one before is validation."""


def leave_last_out(loans):
    loans = loans.sort_values(["reader", "when"], kind="stable")
    rank = loans.groupby("reader").cumcount(ascending=False)
    size = loans.groupby("reader")["book"].transform("size")
    usable = size >= 5
    train = loans[~usable | (rank >= 2)]
    val = loans[usable & (rank == 1)]
    test = loans[usable & (rank == 0)]
    return train, val, test
