import pytest

from autosota.agents.domain import Direction
from autosota.agents.objective import vocabulary as v

SMALL = "loss|val_loss|test error|RMSE|testMAE|perplexity|FID|wer|latency_ms|nll|test/mse|err"
LARGE = "accuracy|test_acc|F1|auc|reward|BLEU|recall@10|r2|R^2|score|something_else|"
SPLITS = {
    "test_acc": "test",
    "testLoader": "test",
    "Valid Loss": "val",
    "dev/f1": "val",
    "X_val": "val",
    "validation": "val",
    "train_loss": "train",
    "accuracy": "",
    "latest_loss": "",
    "contest score": "",
}


@pytest.mark.parametrize("name", SMALL.split("|"))
def test_minimized(name):
    assert v.direction_of(name) is Direction.MINIMIZE


@pytest.mark.parametrize("name", LARGE.split("|"))
def test_maximized(name):
    assert v.direction_of(name) is Direction.MAXIMIZE


@pytest.mark.parametrize(("name", "split"), SPLITS.items())
def test_split(name, split):
    assert v.split_of(name) == split


def test_synonyms_measure_the_same():
    assert v.base("Test Acc.") == v.base("validation accuracy") == v.base("accuracy (%)")
    assert v.base("dev ppl") == v.base("test perplexity")
    assert v.base("top-5 accuracy") != v.base("top-1 accuracy")
