#!/bin/sh
# Product search: features, booster, ranking.   sh run.sh SEED FOLDER
set -e
SEED=${1:-0}
OUT=${2:-out}
mkdir -p "$OUT"

python steps/make_features.py --shop shop --judgements judged --out "$OUT/features.npz"
python steps/fit_ranker.py --features "$OUT/features.npz" --judgements judged \
    --rounds 400 --eta 0.05 --depth 6 --seed "$SEED" --out "$OUT/ranker.json"
for part in valid test; do
    python steps/rank.py --features "$OUT/features.npz" --ranker "$OUT/ranker.json" \
        --part $part --out "$OUT/$part.rank.csv"
done
