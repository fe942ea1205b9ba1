from textwrap import dedent

from autosota.agents.code.tree import MemoryTree
from autosota.agents.domain import Direction
from autosota.agents.init.plan import find_plan
from autosota.agents.init.repository import Repository
from autosota.agents.objective.goal import UNKNOWN, count_metrics, find_goal


def goal(code: str, **others: str):
    files = {"train.py": dedent(code).encode()}
    files |= {name.replace("__", "."): dedent(t).encode() for name, t in others.items()}
    repo = Repository(MemoryTree(files))
    plan = find_plan(repo, lambda script: count_metrics(repo, script))
    assert plan is not None
    return find_goal(repo, plan)


def test_claim_on_test_and_search_on_the_same_measure_of_validation():
    found = goal(
        """
        print(f"METRIC val_loss={a}")
        print(f"METRIC val_accuracy={a}")
        print(f"METRIC test_loss={a}")
        print(f"METRIC test_acc={a}")
        print(f"METRIC train_acc={a}")
        """
    )
    assert (found.metric, found.select_on) == ("test_acc", "val_accuracy")
    assert found.direction is Direction.MAXIMIZE
    assert "train_acc" not in [r.name for r in found.others]


def test_search_never_looks_at_a_measure_that_goes_the_other_way():
    found = goal("print(f'METRIC val_loss={a}')\nprint(f'METRIC test_accuracy={a}')\n")
    assert found.metric == "test_accuracy" and found.select_on is None
    assert any(n.startswith("LK112") for n in found.notes)


def test_only_validation_is_said_to_be_so():
    found = goal("print(f'METRIC val_loss={a}')\n")
    assert (found.metric, found.select_on) == ("val_loss", None)
    assert any("no test metric was found" in n for n in found.notes)


def test_the_loss_of_the_training_loop_is_no_claim():
    found = goal(
        """
        for step in range(10):
            print(f"iter {step}: loss {loss:.4f}, time {dt:.2f}ms")
        print(f"val loss {v:.4f}")
        """
    )
    assert found.metric == "val_loss"


def test_no_metric_gives_a_name_to_print_and_a_note():
    found = goal("model.fit(x)\nwandb.log({'acc': 1})\n")
    assert found.metric == UNKNOWN and found.sources == ()
    assert any("wandb.log" in n and f"METRIC {UNKNOWN}=" in n for n in found.notes)


def test_log_lines_need_stderr():
    found = goal("model.fit(x)\nlog.info('test acc %.3f', a)\nlog.info('val acc %.3f', a)\n")
    assert found.command == "python train.py 2>&1" and found.additions
    printed = goal("model.fit(x)\nprint(f'test acc {a}')\nlog.info('val acc %.3f', a)\n")
    assert printed.command == "python train.py"


def test_json_beside_the_code_is_copied_to_the_run_directory():
    found = goal(
        """
        import json, sys
        seed = int(sys.argv[1])
        model.fit(x)
        with open(f"results/run_{seed}.json", "w") as f:
            json.dump({"test_acc": a, "val_acc": b}, f)
        """
    )
    assert found.command == (
        "python train.py {seed} && cp results/run_{seed}.json {run_dir}/run.json"
    )
    assert {r.source for r in found.sources} == {"{run_dir}/run.json"}


def test_one_text_for_two_numbers_is_noted():
    found = goal(
        """
        def train(): print(f"Acc: {a}")
        def test(): print(f"Acc: {a}")
        model.fit(x)
        """
    )
    assert found.metric == "test_acc"
    assert any("also that of train_acc" in n for n in found.notes)


def test_functions_that_score_are_the_evaluation():
    found = goal(
        """
        def evaluate(model, loader): ...
        def test(): ...
        class Model:
            def score(self, x): ...
        model.fit(x)
        print(f"METRIC test_acc={evaluate(model, 1)}")
        """
    )
    assert list(found.evaluation) == ["train.py::evaluate"]
