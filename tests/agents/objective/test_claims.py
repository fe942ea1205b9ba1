from textwrap import dedent

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.init.repository import Repository
from autosota.agents.objective.claims import find_paper


def paper(text: str, metric="test_accuracy", percent=False, names=frozenset(), path="paper.md"):
    tree = MemoryTree({path: dedent(text).encode()})
    return find_paper(Repository(tree), metric, percent, frozenset(names))


TAKEN = {
    "| Metric | Value |\n|---|---|\n| Test accuracy | 0.94 |\n| Parameters | 1200 |\n": 0.94,
    "| Model | Accuracy (%) |\n|---|---:|\n| CNN (ours) | **94.0 ± 0.1** |\n| MLP | 90 |\n": 0.94,
    "| Model | Test acc. | Time |\n|---|---|---|\n| CNN | 94.0 | 3 |\n": 0.94,
    "Test accuracy: 94.0 %.\n": 0.94,
    "- **Test accuracy**: 0.94 (Table 2)\n": 0.94,
    "| Model | Test accuracy |\n|---|---|\n| SVM | 0.90 |\n| ConvNet | 0.94 |\n": 0.94,
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_number_plainly_beside_the_metric_is_taken(text):
    (claim,) = paper(text, names={"convnet"}).claims
    assert (claim.metric, claim.value) == ("test_accuracy", TAKEN[text])
    assert claim.where.startswith("paper.md, ")


@pytest.mark.parametrize(
    "text",
    [
        "| Model | Test accuracy |\n|---|---|\n| SVM | 0.90 |\n| MLP | 0.94 |\n",
        "| Model | Val accuracy |\n|---|---|\n| CNN | 0.90 |\n",
        "| Model | Test F1 |\n|---|---|\n| CNN | 0.90 |\n",
        "| Model | Test accuracy |\n|---|---|\n| CNN | better |\n",
        "We reach a test accuracy that is 4 points higher than in 2019.\n",
        "Test accuracy: 94.0\n\nTest accuracy: 92.0\n",
        "Accuracy matters in 3 of 7 cases.\n",
        "| Test accuracy |\n|---|\n",
        "",
    ],
)
def test_anything_that_could_mean_something_else_is_left(text):
    assert paper(text, names={"convnet"}).claims == ()


def test_the_unit_is_that_of_the_metric():
    text = "| Metric | Value |\n|---|---|\n| Test accuracy | 94.0 |\n"
    assert paper(text).claims[0].value == pytest.approx(0.94)
    assert paper(text, percent=True).claims[0].value == 94.0
    assert paper("Test accuracy: 0.94", percent=True).claims[0].value == pytest.approx(94.0)
    # An RMSE of 94 is no share of anything.
    text = text.replace("accuracy", "RMSE")
    assert paper(text, "test_rmse").claims[0].value == 94.0


def test_title_and_source():
    found = paper("# A paper\n\nText.\n")
    assert (found.title, found.source) == ("A paper", "paper.md")
    one = "# Code\n\nFor https://arxiv.org/abs/2101.01234 (arXiv:2101.01234)\n"
    assert paper(one, path="README.md").source == "arXiv:2101.01234"
    two = one + "and https://arxiv.org/pdf/1999.00001\n"
    assert paper(two, path="README.md").source == ""
