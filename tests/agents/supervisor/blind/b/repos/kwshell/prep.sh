#!/usr/bin/env bash
set -euo pipefail
# lists/*.txt hold "<wav path> <keyword>" per line, speaker-disjoint
for part in train dev eval; do
    grep "^${part}/" corpus/index.txt > "lists/${part}.txt"
done
wc -l lists/*.txt
