#!/usr/bin/env bash
set -euo pipefail
export OOT_START=${OOT_START:-2019-07-01}
python scorecard.py --seed "$1" --params params.yaml --out "$2"
