"""What a name suggests: test data, labels, predictions, a metric, a seed.

Names are a hint and no proof; rules that go by a name alone ask for a second sign. What a value
really is, is the flow's business.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from autosota.agents.check.roles import role


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LABELS = _words(
    """
    y yte ytest ytrue label labels lbl target targets gold golds answer answers truth truths
    gt expected solution solutions actual actuals groundtruth testy
    """
)
_PREDICTED = _words(
    """
    pred preds predicted prediction predictions predict yhat hat yp ypred ypreds submission
    forecast forecasts probs proba probas guess guesses
    """
)
_METRICS = _words(
    """
    acc accuracy f1 auc auroc auprc score scores rmse mae mse mape bleu rouge meteor r2
    precision recall miou iou ap map ndcg mrr em wer cer perplexity ppl dice mcc kappa psnr
    ssim fid brier
    """
)
_REFERENCES = _words(
    """
    paper ref reference published reported sota baseline prior previous prev target
    threshold thresh thr min max cutoff tol tolerance expected goal human init initial best
    default chance limit weight weights
    """
)
_TRIVIAL = _words(
    """
    dummy naive majority trivial baseline zero zeros constant const random chance uniform
    template sample
    """
)
_IDS = _words(
    """
    id ids idx index uid uuid qid pk hash key md5 sha row rowid
    """
)
_SEEDS = frozenset({"seed", "seeds", "rs", "random_state", "rng"})
_SMOKE = re.compile(r"smoke|debug|quick|fast|dry|sanity|tiny|demo|toy|dev_run|overfit", re.I)
ML = _words(
    """
    sklearn torch tensorflow keras xgboost lightgbm catboost transformers datasets evaluate
    jax flax torchmetrics torchvision torchtext torchaudio imblearn pytorch_lightning
    lightning timm sentence_transformers statsmodels numpy pandas polars scipy mxnet paddle
    fastai accelerate gensim spacy nltk openai anthropic sacrebleu rouge_score seqeval
    """
)
"""Libraries whose import makes a file one of machine learning or of its data."""


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: `X_testPred2` gives `x, test, pred, 2`."""
    return tuple(w.lower() for w in _WORD.findall(name))


def is_test(name: str) -> bool:
    """Whether a name means rows that are tested: `X_test`, `yte`, `testloader`, `holdout`."""
    return role(name) == "test"


def is_label(name: str) -> bool:
    """Whether a name means true answers."""
    lowered = name.lower()
    return "ground_truth" in lowered or (
        not _LABELS.isdisjoint(words(name)) and not is_prediction(name)
    )


def is_prediction(name: str) -> bool:
    """Whether a name means predictions."""
    return not _PREDICTED.isdisjoint(words(name))


def is_metric(name: str) -> bool:
    """Whether a name means a score of predictions."""
    found = words(name)
    if "loss" in found:
        return False
    return not _METRICS.isdisjoint(found) or any(a + b in _METRICS for a, b in pairwise(found))


def is_reference(name: str) -> bool:
    """Whether a name means a number that something is compared with, or a start value."""
    return not _REFERENCES.isdisjoint(words(name))


def is_trivial(name: str) -> bool:
    """Whether a name says that these predictions are the trivial baseline or a template."""
    return not _TRIVIAL.isdisjoint(words(name))


def is_id(name: str) -> bool:
    """Whether a name means what identifies a row."""
    return not _IDS.isdisjoint(words(name))


def is_seed(name: str) -> bool:
    """Whether a name means a seed."""
    return name in _SEEDS or any(w in {"seed", "seeds"} for w in words(name))


def is_smoke(text: str) -> bool:
    """Whether the text of a condition speaks of a trial run."""
    return bool(_SMOKE.search(text))


def is_evaluator(path: str) -> bool:
    """Whether a file, by its name, scores what others predicted."""
    stem = path.rpartition("/")[2].partition(".")[0]
    return any(re.match(r"eval|scor|grad(e|ing)|judge|metric|benchmark", w) for w in words(stem))


def is_a_test_file(path: str) -> bool:
    """Whether a file belongs to a test suite, by its name or folder."""
    parts = path.split("/")
    return (
        any(p in {"tests", "test", "testing"} for p in parts[:-1])
        or parts[-1].startswith("test_")
        or parts[-1].endswith("_test.py")
        or parts[-1].startswith(("testing", "conftest"))
    )
