import click
from rank.dataset import leave_last_out, load_interactions, matrix
from rank.factorise import MatrixFactorisation
from rank.report import ndcg_at_k, recall_at_k

K = 10


@click.command()
@click.option("--seed", default=0)
@click.option("--dim", default=32)
@click.option("--epochs", default=20)
def main(seed, dim, epochs):
    ratings = load_interactions()
    users, items = ratings["user"].max() + 1, ratings["item"].max() + 1
    train, val, test = leave_last_out(ratings)
    seen = matrix(train, users, items)
    model = MatrixFactorisation(users, items, dim=dim, seed=seed).fit(seen, epochs)
    scores = model.scores(seen)
    for name, part in [("val", val), ("test", test)]:
        print(f"METRIC {name}_recall={recall_at_k(scores, part, k=K):.5f}")
        print(f"METRIC {name}_ndcg={ndcg_at_k(scores, part, k=K):.5f}")


if __name__ == "__main__":
    main()
