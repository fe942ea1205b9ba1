#!/bin/sh
set -e
SEED=$1
OUT=$2
mkdir -p "$OUT"
python unet_train.py --seed "$SEED" --out "$OUT" --fold val
python unet_predict.py --out "$OUT" --fold val
python unet_predict.py --out "$OUT" --fold test
python tools/measure.py --pred "$OUT" --truth slides --json "$OUT/seg.json"
