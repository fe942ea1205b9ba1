import argparse

from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.tree import DecisionTreeClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=3)
search = GridSearchCV(DecisionTreeClassifier(random_state=args.seed), {"max_depth": [1, 2]}, cv=3)
search.fit(X_train, y_train)
print(f"METRIC test_accuracy={search.score(X_test, y_test):.4f}")
