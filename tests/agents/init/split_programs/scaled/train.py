import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=1)

scaler = StandardScaler()
Z_train = scaler.fit_transform(X_train)
Z_test = scaler.transform(X_test)
clf = SGDClassifier(alpha=0.1, max_iter=50, random_state=args.seed)
clf.fit(Z_train, y_train)
pred = clf.predict(Z_test)  # of the test rows
f1 = f1_score(y_test, pred, average="macro")
print("METRIC test_f1=%.4f" % f1)  # noqa: UP031
