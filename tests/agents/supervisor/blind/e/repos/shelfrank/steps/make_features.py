"""One row per judged pair of query and product.

shop/products.csv: product, title, brand, price, sold; shop/queries.csv: query, text, part
shop/pairs.csv: query, product.   The grades 0..3 are in judged/{train,valid,test}.csv.
"""
import argparse
import math
from collections import Counter

import numpy as np
import pandas as pd


def tokens(text):
    return str(text).lower().replace("-", " ").split()


class Bm25:
    def __init__(self, titles, k1=1.2, b=0.75):
        self.k1, self.b = k1, b
        self.docs = [Counter(tokens(t)) for t in titles]
        self.length = np.array([sum(d.values()) for d in self.docs])
        self.mean = max(self.length.mean(), 1.0)
        frequency = Counter(w for d in self.docs for w in d)
        self.idf = {w: math.log(1 + (len(self.docs) - n + 0.5) / (n + 0.5)) for w, n in frequency.items()}

    def score(self, query, i):
        doc, norm = self.docs[i], self.k1 * (1 - self.b + self.b * self.length[i] / self.mean)
        return sum(self.idf[w] * doc[w] * (self.k1 + 1) / (doc[w] + norm) for w in tokens(query) if w in doc)


def pair_features(pairs, products, queries):
    bm25 = Bm25(products["title"])
    place = {p: i for i, p in enumerate(products["product"])}
    text = dict(zip(queries["query"], queries["text"]))
    rows = []
    for query, product in zip(pairs["query"], pairs["product"]):
        i, words = place[product], set(tokens(text[query]))
        title = set(tokens(products["title"].iloc[i]))
        rows.append([bm25.score(text[query], i), len(words & title) / max(len(words), 1), len(words), len(title),
                     float(str(products["brand"].iloc[i]).lower() in words),
                     math.log1p(products["price"].iloc[i]), math.log1p(products["sold"].iloc[i])])
    return np.array(rows)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--shop", default="shop")
    ap.add_argument("--judgements", default="judged")
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    products, queries, pairs = (pd.read_csv(f"{args.shop}/{n}.csv") for n in ("products", "queries", "pairs"))
    part = pairs["query"].map(dict(zip(queries["query"], queries["part"])))
    np.savez(args.out, X=pair_features(pairs, products, queries), query=pairs["query"].to_numpy(),
             product=pairs["product"].to_numpy(), part=part.to_numpy().astype("U5"))


if __name__ == "__main__":
    main()
