"""SMILES strings -> hashed character n-gram counts (no chemistry toolkit needed)."""
import argparse
import csv
import re
import zlib

import numpy as np

TOKEN = re.compile(r"Cl|Br|\[[^\]]+\]|%\d\d|.")


def tokens(smiles):
    return TOKEN.findall(smiles)


def fingerprint(smiles, ngram, bits):
    row = np.zeros(bits, dtype=np.float32)
    toks = ["^"] + tokens(smiles) + ["$"]
    for n in range(1, ngram + 1):
        for i in range(len(toks) - n + 1):
            gram = " ".join(toks[i:i + n])
            row[zlib.crc32(gram.encode()) % bits] += 1
    return np.log1p(row)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--csv", required=True)
    ap.add_argument("--ngram", type=int, default=3)
    ap.add_argument("--bits", type=int, default=2048)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()

    with open(a.csv, newline="") as f:
        rows = list(csv.DictReader(f))
    # columns: mol_id, smiles, toxic, part (train / valid / test, by scaffold)
    x = np.stack([fingerprint(r["smiles"], a.ngram, a.bits) for r in rows])
    y = np.array([int(r["toxic"]) for r in rows], dtype=np.float32)
    part = np.array([r["part"] for r in rows])
    ids = np.array([r["mol_id"] for r in rows])
    y[part != "train"] = np.nan
    np.savez_compressed(a.out, x=x, y=y, part=part, ids=ids)


if __name__ == "__main__":
    main()
