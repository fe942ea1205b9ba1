#!/usr/bin/env bash
# usage: run.sh SEED RUN_DIR
set -euo pipefail
SEED=$1
RUN=$2
DATA=${DATA:-conll}
EPOCHS=8
mkdir -p "$RUN"

# 1. features
for part in train dev test; do
  python prepare.py "$DATA/$part.txt" "$RUN/$part.jsonl"
done

# 2. model
python fit.py --train "$RUN/train.jsonl" --dev "$RUN/dev.jsonl" \
  --model "$RUN/model.pkl" --seed "$SEED" --epochs "$EPOCHS"

# 3. predictions and scores
for part in dev test; do
  python predict.py --model "$RUN/model.pkl" --input "$RUN/$part.jsonl" --output "$RUN/$part.pred"
  python score.py --gold "$DATA/$part.txt" --pred "$RUN/$part.pred" --name "${part}_span_f1"
done
