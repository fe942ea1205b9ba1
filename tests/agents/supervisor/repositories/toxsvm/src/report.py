import sys

import joblib
from sklearn.metrics import f1_score

from text import read

model = joblib.load(sys.argv[1])
comments, labels = read(sys.argv[2])
print(f"METRIC {sys.argv[3]}={f1_score(labels, model.predict(comments), average='macro'):.5f}")
