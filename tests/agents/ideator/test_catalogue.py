from __future__ import annotations

import ast
import os
import re

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Boundary, Granularity, Objective
from autosota.agents.ideator import NotApplicable, implement, propose
from autosota.agents.ideator.catalogue import CATALOGUE

SAMPLES = (
    *("logistic", "forest", "zoo", "regression", "ridge"),
    *("convnet", "steps", "flat", "attention", "pictures", "lit"),
)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_idea_changes_exactly_what_it_says(name, bench, sample, expected_of):
    code = sample(name)
    actual, path = expected_of(name, code, bench.ideas(code))
    if os.environ.get("UPDATE_EXPECTED"):  # then read the difference before you commit it
        path.write_text(actual)
    assert actual == path.read_text()


def test_the_samples_fire_every_transformation(bench, sample):
    fired = {name for each in SAMPLES for name in bench.names(sample(each))}
    assert {t.name for t in CATALOGUE} - fired == set()


def test_the_catalogue_says_where_each_idea_comes_from():
    assert len({t.name for t in CATALOGUE}) == len(CATALOGUE) >= 100
    assert {t.granularity for t in CATALOGUE} == set(Granularity)
    assert {t.library for t in CATALOGUE} == {"scikit-learn", "PyTorch", "Python"}
    for t in CATALOGUE:
        assert re.search(r"\b(19|20)\d\d\b", t.paper), t.name
        assert t.precondition and t.expected and t.summary
        assert 0 < t.prior < 1


@pytest.mark.parametrize("name", SAMPLES)
def test_ordinary_code_gets_ten_ideas(name, bench, sample):
    ideas = bench.ideas(sample(name))
    assert len(ideas) >= 10 or name == "ridge"
    assert len({i.transformation for i in ideas[:6]}) >= 5, "the top of the list is diverse"


def test_a_name_that_is_not_the_librarys_gets_no_idea(each_sample, bench):
    code = re.sub(r"\b(sklearn|torch)\b", r"my\1", each_sample)
    ast.parse(code)
    assert bench.ideas(code) == []


def test_an_evaluation_file_gets_no_idea(each_sample, bench):
    boundary = Boundary(symbols=("train.py",))
    found = propose(bench.tree(each_sample), bench.objective, boundary)
    assert [i.id for i in found if i.admissible] == []


def test_an_idea_is_not_applied_twice(each_sample, bench):
    tree = bench.tree(each_sample)
    for idea in bench.ideas(each_sample):
        changed = MemoryTree(implement(idea, tree).changes)
        with pytest.raises(NotApplicable):
            implement(idea, changed)
        again = propose(changed, bench.objective, Boundary())
        assert idea.id not in {i.id for i in again}


def test_results_parse_and_the_anchors_are_real(each_sample, bench):
    for idea in bench.ideas(each_sample):
        done = implement(idea, bench.tree(each_sample))
        after = done.changes["train.py"].decode()
        ast.parse(after)
        assert done.anchors
        for anchor in done.anchors:
            assert anchor.path == "train.py"
            assert anchor.before in each_sample
            assert anchor.before != anchor.after


# A file in which one transformation must not fire, though it looks as if it could.
LOGISTIC = "from sklearn.linear_model import LogisticRegression\n"
SCALED = "from sklearn.preprocessing import MinMaxScaler\nX = MinMaxScaler().fit_transform(X)\n"
FOREST = "from sklearn.ensemble import RandomForestClassifier\n"
SGD = "from sklearn.linear_model import SGDClassifier\n"
TORCH = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
NET = (
    TORCH
    + "class Net(nn.Module):\n    def __init__(self, hidden=8):\n        super().__init__()\n"
    + "        self.a = nn.{0}(8, 8)\n        self.b = nn.Linear(8, 2)\n"
    + "    def forward(self, x):\n        x = {1}\n        return self.b(x)\n"
    + "net = Net()\n"
)
LOOP = (
    TORCH
    + "model = nn.Linear(4, 2)\noptimizer = torch.optim.{0}\n{1}\nmodel.train()\n"
    + "for epoch in range(9):\n    for x, y in loader:\n        loss = {2}\n"
    + "        optimizer.zero_grad()\n        loss.backward()\n        {3}\n{4}\n"
)


def loop(
    optimizer="Adam(model.parameters())",
    before="",
    loss="F.cross_entropy(model(x), y)",
    step="optimizer.step()",
    after="",
):
    return LOOP.format(optimizer, before, loss, step, after)


LOOK_ALIKES = [
    ("scale-inputs", LOGISTIC + SCALED + "model = LogisticRegression().fit(X, y)\n"),
    ("scale-inputs", FOREST + "model = RandomForestClassifier().fit(X, y)\n"),
    ("scale-inputs", LOGISTIC + "model = LogisticRegression()\nprint(model.coef_)\n"),
    ("scale-inputs", LOGISTIC + "model = LogisticRegression()\nmodel.fit(X, y, sample_weight=w)\n"),
    ("scale-inputs", LOGISTIC + "from sklearn.feature_extraction.text import TfidfVectorizer\n"
     "X = TfidfVectorizer().fit_transform(t)\nmodel = LogisticRegression()\n"),
    ("kernel-features", LOGISTIC + "from sklearn.kernel_approximation import Nystroem\n"
     "from sklearn.pipeline import make_pipeline\n"
     "model = make_pipeline(Nystroem(), LogisticRegression())\n"),
    ("feature-products", LOGISTIC + "from sklearn.feature_selection import RFE\n"
     "model = RFE(LogisticRegression())\n"),
    ("pca-whitening", "from sklearn.neighbors import KNeighborsClassifier\n"
     "from sklearn.decomposition import PCA\nX = PCA().fit_transform(X)\n"
     "model = KNeighborsClassifier()\n"),
    ("power-target", "from sklearn.linear_model import Ridge\nimport numpy as np\n"
     "model = Ridge().fit(X, np.log1p(y))\n"),
    ("rbf-svc", LOGISTIC + "model = LogisticRegression()\nprint(model.intercept_)\n"),
    ("rbf-svc", LOGISTIC + "from sklearn.model_selection import GridSearchCV\n"
     "model = GridSearchCV(LogisticRegression(), {'C': [1, 2]})\n"),
    ("extra-trees", FOREST + "model = RandomForestClassifier(oob_score=True)\n"),
    ("histogram-boosting", FOREST + "m = RandomForestClassifier()\nm.feature_importances_\n"),
    ("perceptron", LOGISTIC + "m = LogisticRegression()\nm.decision_function(X)\n"),
    ("shrunken-discriminant", FOREST + "m = RandomForestClassifier()\n"),
    ("nearest-neighbours", LOGISTIC + "m = LogisticRegression()\nm.decision_function(X)\n"),
    ("rbf-kernel", "from sklearn.svm import SVC\nm = SVC(kernel='rbf')\n"),
    ("kernel-width", "from sklearn.svm import SVC\nm = SVC(gamma='scale')\n"),
    ("tube-width", "from sklearn.svm import LinearSVR\nm = LinearSVR(epsilon=0)\n"),
    ("margin-share", "from sklearn.svm import SVC\nm = SVC()\n"),
    ("bagging", "from sklearn.tree import DecisionTreeClassifier\n"
     "from sklearn.ensemble import BaggingClassifier\n"
     "m = BaggingClassifier(DecisionTreeClassifier())\n"),
    ("soft-voting", "from sklearn.svm import LinearSVC\nm = LinearSVC()\n"),
    ("stacking", FOREST + "m = RandomForestClassifier()\nm.set_params(n_jobs=2)\n"),
    ("penalty", LOGISTIC + "m = LogisticRegression(C=best_c())\n"),
    ("penalty", LOGISTIC + "m = LogisticRegression(**settings)\n"),
    ("more-iterations", FOREST + "m = RandomForestClassifier()\n"),
    ("neighbour-count", "from sklearn.neighbors import KNeighborsClassifier\n"
     "for k in (1, 3):\n    m = KNeighborsClassifier(k)\n"),
    ("distance-weights", "from sklearn.neighbors import KNeighborsClassifier\n"
     "m = KNeighborsClassifier(weights='distance')\n"),
    ("class-weight", LOGISTIC + "m = LogisticRegression(class_weight={0: 2})\n"),
    ("averaged-sgd", SGD + "m = SGDClassifier(average=True)\n"),
    ("early-stopping", SGD + "m = SGDClassifier(early_stopping=False)\n"),
    ("more-trees", FOREST + "from sklearn.model_selection import GridSearchCV\n"
     "m = GridSearchCV(RandomForestClassifier(), {'n_estimators': [10, 20]})\n"),
    ("tree-depth", FOREST + "m = RandomForestClassifier(max_depth=None)\n"),
    ("leaf-size", FOREST + "m = RandomForestClassifier(min_samples_leaf=0.1 * scale)\n"),
    ("split-features", FOREST + "m = RandomForestClassifier(max_features='log2')\n"),
    ("split-criterion", FOREST + "m = RandomForestClassifier(criterion='gini')\n"),
    ("shrinkage", "from sklearn.ensemble import GradientBoostingClassifier\n"
     "m = GradientBoostingClassifier(learning_rate=rate())\n"),
    ("stochastic-boosting", "from sklearn.ensemble import GradientBoostingClassifier\n"
     "m = GradientBoostingClassifier(subsample=0.9)\n"),
    ("leaf-limit", "from sklearn.ensemble import HistGradientBoostingClassifier\n"
     "m = HistGradientBoostingClassifier(max_leaf_nodes=None)\n"),
    ("leaf-penalty", "from sklearn.ensemble import HistGradientBoostingClassifier\n"
     "m = HistGradientBoostingClassifier(l2_regularization=0.0)\n"),
    ("mlp-width", "from sklearn.neural_network import MLPClassifier\n"
     "m = MLPClassifier(hidden_layer_sizes=sizes())\n"),
    ("mlp-rate", "from sklearn.neural_network import MLPClassifier\n"
     "m = MLPClassifier(learning_rate_init=rate())\n"),
    ("adamw", loop("AdamW(model.parameters())")),
    ("adamw", loop().replace("import torch\n", "import mytorch as torch\n")),
    ("nesterov", loop("SGD(model.parameters(), lr=0.1, momentum=0.9)")),
    ("learning-rate", loop("Adam(model.parameters(), lr=find_rate())")),
    ("weight-decay", loop("AdamW(model.parameters())")),
    ("clip-gradients", loop(step="nn.utils.clip_grad_norm_(model.parameters(), 1)\n"
                                 "        optimizer.step()")),
    ("clip-gradients", loop(step="scaler.step(optimizer)")),
    ("cosine-schedule", loop(before="sched = torch.optim.lr_scheduler.StepLR(optimizer, 3)")),
    ("cosine-schedule", loop().replace("for epoch in range(9)", "while not done()")),
    ("cosine-schedule", loop(after="    if skip():\n        continue\n    log()")),
    ("warm-up", loop(before="for g in optimizer.param_groups:\n    g['lr'] = 1")),
    ("one-cycle", loop(before="scheduler = None")),
    ("label-smoothing", loop(loss="F.mse_loss(model(x), y)")),
    ("label-smoothing", loop(loss="F.cross_entropy(model(x), y, label_smoothing=0.2)")),
    ("dropout", NET.format("Linear", "F.relu(self.a(x))")),  # no train() and eval()
    ("batch-norm", NET.format("Conv1d", "F.relu(self.a(x))")),  # no train() and eval()
    ("layer-norm", NET.format("Linear", "self.a(x)")),  # no activation
    ("activation", NET.format("Linear", "torch.sigmoid(self.a(x))")),
    ("pooling", NET.format("Linear", "self.a(x).max(1)")),
    ("residual", NET.format("Linear", "x + F.relu(self.a(x))")),
    ("residual", NET.format("Conv1d", "F.relu(self.a(x))")),  # kernel 1 of unknown padding
    ("kaiming-init", NET.format("Linear", "F.relu(self.a(x))") + "nn.init.zeros_(net.b.bias)\n"),
    ("weight-average", loop()),  # nothing reads the model after the loop
    ("weight-average", loop(after="    if bad(loss):\n        break\nprint(model)")),
    ("mixup", loop(loss="F.mse_loss(model(x), y)")),
    ("mixup", loop(before="table = nn.Embedding(9, 4)")),
    ("input-noise", loop(before="noise = torch.randn_like(z)")),
    ("random-shift", loop()),  # no convolution: position may well matter
    ("batch-size", TORCH + "from torch.utils.data import DataLoader\n"
     "loader = DataLoader(data, batch_size=64)\n"),  # not shuffled: not for training
    ("epochs", loop().replace("range(9)", "range(count())")),
    ("width", NET.format("Linear", "self.a(x)").replace("hidden=8", "hidden")),
    ("kernel-size", NET.format("Conv1d", "self.a(x)")),
    # Weights that something reads: wrapping the layer would hide them.
    ("weight-norm", NET.format("Linear", "F.relu(self.a(x))") + "print(net.a.weight)\n"),
    ("weight-norm", NET.format("Linear", "self.norm(self.a(x))")),
    ("spectral-norm", NET.format("Linear", "self.a(x, 1)")),
    ("spectral-norm", NET.format("Linear", "F.linear(x, self.a.weight)")),
    ("hidden-norm", NET.format("Conv1d", "self.a(x)")),  # no train() and eval()
    ("hidden-norm", NET.format("Linear", "self.layer_norm(self.a(x))")),
    ("head-dropout", NET.format("Linear", "F.dropout(self.a(x))")),
    ("head-dropout", NET.format("Linear", "self.a(x)") + "print(net.b.weight)\n"),
    ("mlp-head", NET.format("Linear", "self.a(x)").replace("Linear(8, 2)", "Conv1d(8, 2, 1)")),
    ("mlp-head", NET.format("Linear", "self.a(x)").replace("nn.Linear(8, 2)", "nn.Linear(f(), 2)")),
    ("separable-convolution", NET.format("Conv1d", "self.a(x)").replace("(8, 8)", "(8, 8, 1)")),
    ("separable-convolution",
     NET.format("Conv1d", "self.a(x)").replace("(8, 8)", "(8, 8, 3, groups=4)")),
    ("gated-units", TORCH + "net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))\n"),
    ("gated-units", NET.format("Linear", "F.gelu(self.a(x))")),
    ("squeeze-excite", NET.format("Conv1d", "self.a(x)")),  # one dimension: no picture
    ("squeeze-excite", "class SqueezeExcite: pass\n" + NET.format("Conv2d", "self.a(x)")),
    ("rms-norm", NET.format("Linear", "self.a(x)").replace(
        "nn.Linear(8, 2)", "nn.LayerNorm(8, elementwise_affine=False)")),
    ("rms-norm", NET.format("LayerNorm", "self.a(x)").replace("(8, 8)", "([8], 1e-3)")),
    ("group-norm", NET.format("BatchNorm1d", "self.a(x)")),
    ("group-norm", NET.format("BatchNorm2d", "self.a(x)") + "def from_pretrained(): pass\n"),
    ("batch-statistics", NET.format("BatchNorm2d", "self.a(x)").replace("8, 8)", "8, 1e-5, m())")),
    ("unit-curve", NET.format("Linear", "torch.tanh(self.a(x))")),  # a function: no layer
    ("unit-curve", TORCH + "act = nn.ReLU()\n"),  # not in a class
    ("named-activation", TORCH + "def make(activation='relu'):\n    return CURVES[activation]\n"),
    ("border-padding", NET.format("Conv1d", "self.a(x)")),  # pads nothing
    ("border-padding", NET.format("Conv1d", "self.a(x)").replace(
        "(8, 8)", "(8, 8, 3, padding=1, padding_mode='circular')")),
    ("dropout-rate", NET.format("Dropout", "self.a(x)").replace("(8, 8)", "(rate())")),
    ("recurrent-depth", NET.format("LSTM", "self.a(x)[0]").replace("(8, 8)", "(8, 8, 4)")),
    ("recurrent-depth", NET.format("LSTMCell", "self.a(x)[0]")),
    ("xavier-init", NET.format("Linear", "self.a(x)").replace(
        "    def forward", "        self.init_weights()\n    def forward")),
    ("orthogonal-init", NET.format("Linear", "self.a(x)").replace(
        "    def forward", "        nn.init.zeros_(self.a.bias)\n    def forward")),
    ("truncated-normal-init", NET.format("Linear", "self.a(x)")),  # no attention, no embedding
    ("zero-last-layer", NET.format("Linear", "self.a(x)") + "print(net.b.weight)\n"),
    ("residual-gain", NET.format("Linear", "x + torch.relu(x)")),  # no layer in the branch
    ("residual-gain", NET.format("Linear", "self.gamma * x + self.a(x)")),
    ("stochastic-depth", NET.format("Linear", "x + self.a(z)")),
    ("stochastic-depth", NET.format("Linear", "x - self.a(x)")),
    ("query-key-norm", NET.format("Linear", "F.normalize(q) @ k.transpose(1, 2)")),
    ("query-key-norm", NET.format("Linear", "x @ w.transpose(1, 2)")),
    ("attention-dropout", NET.format("Linear", "self.a(x)\n        logits = x.softmax(-1)")),
    ("attention-dropout", NET.format(
        "Linear", "self.a(x)\n        att = x.softmax(-1)\n        att = self.drop(att)")),
    ("mean-max-pooling", NET.format("Linear", "self.a(x).mean(dim=1)")),  # not of a plain name
    ("mean-max-pooling", NET.format("Linear", "x.mean(dim=-1)")),
    ("gradient-centralisation", loop(step="scaler.step(optimizer)")),
    ("gradient-centralisation", loop(before="weight = 1")),
    ("gradient-noise", loop(before="group = 1")),
    ("adaptive-clipping", loop(step="nn.utils.clip_grad_norm_(model.parameters(), 1)\n"
                                    "        optimizer.step()")),
    ("flooding", loop().replace("loss.backward()", "loss.backward(retain_graph=True)")),
    ("absolute-penalty", loop(before="penalty = 1")),
    ("adam-variant", loop("Adam(model.parameters(), fused=True)")),
    ("amsgrad", loop("Adam(model.parameters(), amsgrad=False)")),
    ("second-moment", loop("Adam(model.parameters(), betas=(0.5, 0.9))")),
    ("second-moment", loop("SGD(model.parameters(), lr=0.1)")),
    ("decay-groups", loop("Adam(model.parameters())")),  # no decay: nothing to spare
    ("decay-groups", loop("AdamW(list(model.parameters()))")),
    ("epsilon", loop("Adam(model.parameters(), eps=eps())")),
    ("huber-loss", TORCH + "def evaluate(x, y):\n    return F.mse_loss(x, y)\n"),
    ("huber-loss", TORCH + "def fit(x, y):\n    test_error = F.mse_loss(x, y)\n"),
    ("soft-labels", loop()),  # a plain step: the business of label-smoothing
    ("soft-labels", TORCH + "class T:\n    def score(self, x, y):\n"
     "        return F.cross_entropy(x, y)\n"),
    ("lightning-cosine", TORCH + "class L(Base):\n    def configure_optimizers(self):\n"
     "        return build(self.parameters())\n"),
    ("lightning-warm-up", TORCH + "class L(Base):\n    def configure_optimizers(self):\n"
     "        o = torch.optim.SGD(self.parameters(), lr=1)\n        return [o], []\n"),
    ("named-rate", TORCH + "def fit(x, lr=0.1):\n    return x * lr\nfit(1, 0.2)\n"),
    ("named-rate", TORCH + "def fit(x, lr=0.1):\n    return x\n"),  # never read
    ("named-decay", TORCH + "weight_decay = 0.1\n"),  # never read
    ("named-dropout", TORCH + "def fit(x, dropout=0.0):\n    return x * dropout\n"),
    ("named-width", TORCH + "def net(in_dim=8, num_classes=4):\n    return in_dim, num_classes\n"),
    ("named-width", TORCH + "class A(nn.Module):\n    def __init__(self, width=8):\n"
     "        self.w = width\nclass B(nn.Module):\n    def __init__(self, width=8):\n"
     "        self.w = width\n"),  # two parts that must agree
    ("named-depth", TORCH + "def net(depth=None):\n    return depth\n"),
    ("named-heads", TORCH + "def net(heads=1.5):\n    return heads\n"),
    ("named-batch", TORCH + "BATCH_SIZE = 32\n"),
    ("named-length", "def fit(epochs=3):\n    return epochs\n"),  # no library of either kind
    ("named-weight", TORCH + "def fit(alpha=-0.5):\n    return alpha\n"),
]  # fmt: skip


def test_the_look_alikes_are_near_misses(bench):
    """One detail away from code in which the idea does apply."""
    plain = {"adamw", "clip-gradients", "cosine-schedule", "epochs", "input-noise", "mixup"}
    plain |= {"label-smoothing", "learning-rate", "one-cycle", "warm-up", "weight-decay"}
    plain |= {"gradient-centralisation", "gradient-noise", "adaptive-clipping", "flooding"}
    plain |= {"absolute-penalty", "adam-variant", "amsgrad", "second-moment", "epsilon"}
    assert bench.names(loop()) == plain
    assert bench.names(loop(after="print(model(z))")) == plain | {"weight-average"}
    modes = "net.train()\nnet.eval()\n"
    linear = NET.format("Linear", "F.relu(self.a(x))") + modes
    assert bench.names(linear) >= {
        "dropout",
        "layer-norm",
        "activation",
        "residual",
        "kaiming-init",
    }
    convolution = NET.format("Conv1d", "F.relu(self.a(x))") + modes
    assert "batch-norm" in bench.names(convolution)


@pytest.mark.parametrize(("name", "code"), LOOK_ALIKES)
def test_a_look_alike_is_left_alone(name, code, bench):
    ast.parse(code)
    assert name not in bench.names(code)


def test_every_transformation_has_a_look_alike():
    assert {t.name for t in CATALOGUE} == {name for name, _ in LOOK_ALIKES}


def test_training_inside_folds_is_scheduled_inside_each_fold(bench):
    code = (
        TORCH + "for fold in range(3):\n    model = nn.Linear(4, 2)\n"
        "    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "    for epoch in range(9):\n        for x, y in loader:\n"
        "            loss = F.cross_entropy(model(x), y)\n            optimizer.zero_grad()\n"
        "            loss.backward()\n            optimizer.step()\n    print(model(z))\n"
    )
    after = bench.changed(code, "cosine-schedule")
    assert (
        "\n    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=9)\n"
        in after
    )
    assert "\n        scheduler.step()\n" in after
    assert "\n    average = " in bench.changed(code, "weight-average")


def test_a_schedule_in_steps_becomes_a_cosine(bench):
    before = "sched = torch.optim.lr_scheduler.StepLR(optimizer, 3)"
    after = bench.changed(loop(before=before, after="    sched.step()"), "cosine-schedule")
    assert "sched = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=9)\n" in after
    assert after.count("sched.step()") == 1


def test_a_batch_from_outside_the_loop_is_not_changed(bench, sample):
    """The next pass, and evaluation, use the same tensor."""
    for name in ("input-noise", "mixup"):
        after = bench.changed(sample("flat"), name)
        assert "\tx = " not in after.split("torch.manual_seed")[1]


def test_class_weights_are_for_metrics_that_count_classes_alike(bench, sample):
    objective = Objective("python train.py", metric="test_accuracy", select_on="val_accuracy")
    found = propose(bench.tree(sample("logistic")), objective, Boundary())
    assert "class-weight" not in {i.transformation for i in found}
    assert "class-weight" in bench.names(sample("logistic"))
