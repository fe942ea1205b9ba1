"""The words that name a metric: which split it is on, which way it is better, how telling it is.

Words only; where a metric comes from is not known here.
"""

from __future__ import annotations

import re

from autosota.agents.domain import Direction
from autosota.agents.init.wordlist import words_in

_TEST = frozenset(("test", "tst", "heldout", "holdout", "final"))
_VALIDATION = frozenset(("val", "vali", "valid", "validation", "dev", "development", "cv", "oof"))
_TRAIN = frozenset(("train", "tr", "training", "fit"))

_MINIMIZE = words_in(
    "loss error err errors rmse mse mae mape smape rmsle nll perplexity ppl fid kid wer cer ter "
    "eer latency ece brier bpc bpd bpb lpips regret distance deviation hamming "
    "logloss crossentropy energy fpr fnr ade fde msle nrmse epe chamfer"
)
_MAXIMIZE = words_in(
    "accuracy acc f1 auc auroc auprc aucroc ap map precision recall mrr ndcg bleu sacrebleu rouge "
    "meteor cider chrf r2 iou miou dice psnr ssim score reward return pearson spearman kendall "
    "correlation corr plcc srcc mcc kappa qwk em hits hit top1 top5 elbo likelihood throughput "
    "sensitivity specificity nmi ari purity silhouette fscore ssmi solved success winrate"
)
_PREFERENCE = (
    "accuracy", "acc", "top1", "f1", "auroc", "auc", "map", "miou", "iou", "dice", "bleu", "rouge",
    "ndcg", "mrr", "recall", "r2", "rmse", "mae", "mse", "perplexity", "ppl", "fid", "wer", "psnr",
    "ssim", "score", "reward", "return", "error", "err", "loss",
)  # fmt: skip
_SAME = {
    "acc": "accuracy", "error_rate": "error", "err": "error", "ppl": "perplexity", "f1_score": "f1",
    "auroc": "auc", "roc_auc": "auc", "aucroc": "auc", "top1": "accuracy", "accuracy_score":
    "accuracy", "r2_score": "r2", "top_1": "accuracy", "mean_accuracy": "accuracy",
}  # fmt: skip
_FILLER = words_in(
    "set on the of for at mean avg average best final overall total epoch step in data split "
    "our my is was score percent pct last"
)


def slug(text: str) -> str:
    """A label as a metric's name: `Test accuracy` is `test_accuracy`."""
    text = re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()
    text = re.sub(r"r\s*(\^|\*\*)\s*2|r²", "r2", text)
    text = re.sub(r"top[\s_-]*([15])\b", r"top\1", text)
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


def words(name: str) -> list[str]:
    """The words of a name, also of camel case and of paths such as `val/acc`."""
    return [w for w in slug(name).split("_") if w]


def split_of(name: str) -> str:
    """`test`, `val`, `train`, or "" when the name does not say."""
    found = set(words(name))
    for split, known in (("test", _TEST - {"final"}), ("val", _VALIDATION), ("train", _TRAIN)):
        if found & known:
            return split
    return ""


def is_metric(name: str) -> bool:
    """True when a name holds a word that measures something."""
    return any(w in _MINIMIZE or w in _MAXIMIZE for w in words(name))


def direction_of(name: str) -> Direction:
    """Which way a metric is better, by its name; unknown names are maximized."""
    found = words(name)
    # The last telling word decides: `loss_ratio_accuracy` is an accuracy.
    for word in reversed(found):
        if word in _MINIMIZE:
            return Direction.MINIMIZE
        if word in _MAXIMIZE:
            return Direction.MAXIMIZE
    return Direction.MAXIMIZE


def base(name: str) -> str:
    """A name without its split and filler words, synonyms made equal: what is measured."""
    splits = _TEST | _VALIDATION | _TRAIN
    kept = [w for w in words(name) if w not in splits and w not in _FILLER]
    joined = "_".join(kept) or "_".join(w for w in words(name) if w not in splits)
    joined = _SAME.get(joined, joined)
    return "_".join(_SAME.get(w, w) for w in joined.split("_"))


def preference(name: str) -> int:
    """How telling a metric is, 0 first; a metric of a paper is seldom its loss."""
    found = words(name)
    ranks = [i for i, w in enumerate(_PREFERENCE) if w in found]
    return min(ranks) if ranks else len(_PREFERENCE) // 2


def is_share(name: str) -> bool:
    """True when the metric is a share of 1 that papers like to print in percent."""
    shares = {"accuracy", "error", "f1", "auc", "precision", "recall", "iou", "miou", "dice", "em"}
    return bool(shares & set(base(name).split("_"))) and not {"mse", "mae"} & set(words(name))


def with_split(name: str, split: str) -> str:
    """A name that says its split, as the first word: `test_accuracy`."""
    if not split:
        return name
    splits = _TEST | _VALIDATION | _TRAIN
    kept = [w for w in words(name) if w not in splits or w == "fit"]
    return "_".join([split, *kept])
