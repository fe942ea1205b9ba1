#!/usr/bin/env bash
set -e
python main.py --config conf/base.yaml --seed "$1" --out "$2"
