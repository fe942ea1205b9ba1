#!/usr/bin/env bash
set -e
seed="$1"
out="$2"
mkdir -p "$out"
python -m htr.fit --seed "$seed" --out "$out"
for part in val test; do
  python -m htr.read --model "$out/net.pt" --part "$part" > "$out/$part.tsv"
  python scripts/cer.py "$out/$part.tsv" "lines/$part.tsv" "$part"
done
