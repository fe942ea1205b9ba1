"""Small experiments of the shapes that repositories have, for the tests of set-up changes."""

from __future__ import annotations

HEAD = """import argparse

import numpy as np
"""

PARSE = """
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
"""

SCRIPT = (
    HEAD
    + """from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
"""
    + PARSE
    + """
X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.3, random_state=0, stratify=y
)
model = RandomForestClassifier(n_estimators=10, max_depth=2, random_state=args.seed)
model.fit(X_train, y_train)
accuracy = accuracy_score(y_test, model.predict(X_test))
print(f"METRIC test_accuracy={accuracy:.4f}")
"""
)

SCALED = (
    HEAD
    + """from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
"""
    + PARSE
    + """
X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=1)

scaler = StandardScaler()
Z_train = scaler.fit_transform(X_train)
Z_test = scaler.transform(X_test)
clf = SGDClassifier(alpha=0.1, max_iter=50, random_state=args.seed)
clf.fit(Z_train, y_train)
pred = clf.predict(Z_test)  # of the test rows
f1 = f1_score(y_test, pred, average="macro")
print("METRIC test_f1=%.4f" % f1)
"""
)

FRAME = """import argparse

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("seed", args.seed)

    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    features = ["a", "b", "kind"]
    X_train, y_train = train[features], train["label"]
    X_test, y_test = test[features], test["label"]

    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["a", "b"]), ("kinds", OneHotEncoder(), ["kind"])]
    )
    model = Pipeline([("columns", columns), ("knn", KNeighborsClassifier(3))])
    model.fit(X_train, y_train)
    test_accuracy = accuracy_score(y_test, model.predict(X_test))
    print(f"METRIC test_accuracy={test_accuracy}")


if __name__ == "__main__":
    main()
"""

ARRAYS = """import sys

import numpy as np
from sklearn.linear_model import LogisticRegression

seed = int(sys.argv[1])
X_train = np.load("data/X_train.npy")
y_train = np.load("data/y_train.npy")
X_test = np.load("data/X_test.npy")
y_test = np.load("data/y_test.npy")

model = LogisticRegression(max_iter=5, solver="saga", random_state=seed)
model.fit(X_train / 16, y_train)
print(f"METRIC accuracy={model.score(X_test / 16, y_test):.3f}")
"""

GRID = (
    HEAD
    + """from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.tree import DecisionTreeClassifier
"""
    + PARSE
    + """
X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=3)
search = GridSearchCV(DecisionTreeClassifier(random_state=args.seed), {"max_depth": [1, 2]}, cv=3)
search.fit(X_train, y_train)
print("METRIC test_accuracy={:.4f}".format(search.score(X_test, y_test)))
"""
)

REGRESSION = (
    HEAD
    + """from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split


def run(seed):
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=7)
    model = Ridge(alpha=0.1, random_state=seed)
    model.fit(X_train, y_train)
    predicted = model.predict(X_test)
    rmse = np.sqrt(mean_squared_error(y_test, predicted))
    return rmse


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rmse = run(args.seed)
    print(f"METRIC rmse={rmse:.3f}")
"""
)

SERIES = (
    HEAD
    + """from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error
"""
    + PARSE
    + """
t = np.arange(400)
series = np.sin(t / 7) + t / 200 + np.cos(t / 3.1) / 3
X = np.stack([series[i : i + 8] for i in range(len(series) - 8)])
y = series[8:]
cut = int(len(X) * 0.75)
X_train, X_test = X[:cut], X[cut:]
y_train, y_test = y[:cut], y[cut:]
model = RandomForestRegressor(n_estimators=10, random_state=args.seed)
model.fit(X_train, y_train)
mae = mean_absolute_error(y_test, model.predict(X_test))
print(f"METRIC test_mae={mae:.5f}")
"""
)

NUMPY = """import argparse

import numpy as np


def train(X, y, seed, epochs=60):
    rng = np.random.default_rng(seed)
    w = rng.normal(0, 0.01, (X.shape[1], 10))
    for _ in range(epochs):
        p = np.exp(X @ w)
        p /= p.sum(1, keepdims=True)
        w += 0.05 * X.T @ (np.eye(10)[y] - p) / len(X)
    return w


def evaluate(w, X, y):
    return float(np.mean((X @ w).argmax(1) == y))


def main(args):
    data = np.load("data/digits.npz")
    X_train, y_train = data["X_train"], data["y_train"]
    X_test, y_test = data["X_test"], data["y_test"]
    w = train(X_train / 16, y_train, args.seed)
    correct, total = 0, 0
    for start in range(0, 0):
        total += start
    acc = evaluate(w, X_test / 16, y_test)
    print("METRIC test_acc=" + str(acc))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
"""

PACKAGE = {
    "fraud/__init__.py": "",
    "fraud/data.py": """from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split


def load(share):
    X, y = load_breast_cancer(return_X_y=True)
    return train_test_split(X, y, test_size=share, random_state=11, stratify=y)
""",
    "fraud/run.py": """import argparse

from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB

from fraud.data import load


def experiment(seed):
    X_train, X_test, y_train, y_test = load(0.3)
    model = GaussianNB(var_smoothing=0.1)
    model.fit(X_train, y_train)
    scores = model.predict_proba(X_test)[:, 1]
    return {"auc": roc_auc_score(y_test, scores), "seed": seed}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    results = experiment(args.seed)
    print(f"METRIC test_auc={results['auc']:.4f}")


if __name__ == "__main__":
    main()
""",
}

MINIBATCHES = (
    HEAD
    + """from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
"""
    + PARSE
    + """
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=5)
clf = SGDClassifier(random_state=args.seed)
best_acc = 0.0
for epoch in range(3):
    for i in range(0, len(X_train), 200):
        clf.partial_fit(X_train[i : i + 200], y_train[i : i + 200], classes=list(range(10)))
    correct = 0
    for row, label in zip(X_test, y_test):
        correct += int(clf.predict(row[None])[0] == label)
    acc = correct / len(y_test)
    if acc > best_acc:
        best_acc = acc
print(f"METRIC test_accuracy={best_acc:.4f}")
"""
)

TORCH = """import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def train_epoch(model, loader, optimizer):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    correct = 0
    for x, y in loader:
        correct += (model(x).argmax(1) == y).sum().item()
    return correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(0)
    augment = transforms.Compose([transforms.RandomRotation(5), transforms.ToTensor()])
    plain = transforms.ToTensor()
    train_set = datasets.MNIST("data", train=True, transform=augment)
    test_set = datasets.MNIST("data", train=False, transform=plain)
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=1000)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(args.epochs):
        train_epoch(model, train_loader, optimizer)
        test_acc = evaluate(model, test_loader)
        print(f"epoch {epoch}: {test_acc:.4f}")
    print(f"METRIC test_accuracy={test_acc:.4f}")


if __name__ == "__main__":
    main()
"""
