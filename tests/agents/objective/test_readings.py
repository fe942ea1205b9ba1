"""A pattern is right when it finds the number in what the program really prints."""

from __future__ import annotations

import contextlib
import io
import re
from textwrap import dedent

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.init.repository import Repository
from autosota.agents.objective.readings import Kind, readings


def read(code: str, values: dict[str, str] | None = None, **others: str):
    files = {"train.py": dedent(code).encode()}
    files |= {f"{name}.py": dedent(text).encode() for name, text in others.items()}
    return readings(Repository(MemoryTree(files)), "train.py", values or {})


def printed(code: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(dedent(code), "train.py", "exec"), {"__name__": "__main__"})
    return out.getvalue()


PRINTS = {
    'test_acc = 0.9512\nprint(f"Test accuracy: {test_acc:.4f}")': {"test_accuracy": "0.9512"},
    'acc = 0.5\nprint("test accuracy:", acc)': {"test_accuracy": "0.5"},
    'print("val loss = {:.3f}".format(1.25e-3))': {"val_loss": "0.001"},
    'print("dev F1: %.2f, dev EM: %.1f" % (0.31, 12.0))': {"val_f1": "0.31", "val_em": "12.0"},
    'print("RMSE (test) = " + str(3.5))': {"test_rmse": "3.5"},
    'for e in range(3):\n    print(f"epoch {e} | train loss {e/2:.3f} | val acc {e/4:.2f}")': {
        "train_loss": "1.000",
        "val_acc": "0.50",
    },
    'print("Test: acc %.3f loss %.3f" % (0.75, 0.1))': {"test_acc": "0.750", "test_loss": "0.100"},
    'for s in ("val", "test"):\n    print(f"{s} accuracy: {len(s) / 8}")': {
        "val_accuracy": "0.375",
        "test_accuracy": "0.5",
    },
    'y_test, n = [1], 10\nacc = len(y_test) / n\nprint(f"Accuracy: {acc:.2f}")': {
        "test_accuracy": "0.10"
    },
    'print("Accuracy of the network on the 10000 test images: %d %%" % 54)': {
        "test_accuracy": "54"
    },
    'print(f"[test]   recall@10: {0.25}.")': {"test_recall_10": "0.25"},
    'm = {"test_acc": 0.5, "epochs": 3}\nprint(m)': {"test_acc": "0.5"},
    'import json\nprint(json.dumps({"test": {"mae": 2.5}}))': {"test_mae": "2.5"},
    'import sys\nsys.stdout.write("Test BLEU: {0:.1f}\\n".format(31.45))': {"test_bleu": "31.4"},
    "print(f\"Test accuracy: {float('nan')}\")": {"test_accuracy": "nan"},
}


@pytest.mark.parametrize("code", PRINTS)
def test_a_pattern_finds_the_printed_number(code):
    found = {r.name: r for r in read(code)}
    text = printed(code)
    for name, value in PRINTS[code].items():
        assert name in found, f"{name} not among {sorted(found)}"
        values = [
            m["value"] for line in text.splitlines() for m in re.finditer(found[name].pattern, line)
        ]
        assert values and values[-1] == value


@pytest.mark.parametrize(
    "code",
    [
        'print(f"Saved accuracy plot to {path}")',
        'print("Training on", device)',
        'print(f"{len(x)} images, seed {seed}")',
        'print("loading test set", name)',
        "print(accuracy_report)",
        'print(f"Test accuracy: {acc}", file=sys.stderr)',
        'print(f"Validation loss decreased ({old:.3f} --> {new:.3f})")',
        "print()",
        "def f(:\n  print(",
    ],
)
def test_other_text_is_no_metric(code):
    assert read(code) == ()


METRIC_LINES = {
    'print(f"METRIC test_accuracy={a}")': ["test_accuracy"],
    'print("METRIC val/acc=%.4f" % a)': ["val/acc"],
    'print("METRIC mae=" + str(a))': ["mae"],
    'print("METRIC params =", n)': ["params"],
    'for s in ("val", "test"):\n    print(f"METRIC {s}_acc={f(s)}")': ["val_acc", "test_acc"],
    "r = {'val_f1': 1, 'test_f1': 2}\nfor k, v in r.items():\n    print(f'METRIC {k}={v:.3f}')": [
        "val_f1",
        "test_f1",
    ],
    "def show(name, value):\n    print(f'METRIC {name}={value}')\nshow('test_auc', 1)": [
        "test_auc"
    ],
}


@pytest.mark.parametrize("code", METRIC_LINES)
def test_metric_lines_need_no_declaration(code):
    found = read(code)
    assert [r.name for r in found] == METRIC_LINES[code]
    assert all(r.kind is Kind.LINE and r.as_source() is None and not r.looped for r in found)


def test_a_metric_line_in_a_loop_over_epochs_is_marked():
    (found,) = read("for e in range(9):\n    print(f'METRIC val_acc={e}')")
    assert found.looped


def test_json_is_followed_through_functions_to_its_place():
    found = read(
        """
        from pathlib import Path
        from helpers import save

        def main(args):
            out = Path(args.out)
            metrics = {"val": {"acc": 0.1}, "history": [1, 2], "name": "cnn"}
            metrics["test"] = evaluate(model)
            save(metrics, out / "results")
        """,
        {"out": "{run_dir}"},
        helpers="""
        import json, os

        def save(data, folder):
            with open(os.path.join(folder, "metrics.json"), "w") as f:
                json.dump(data, f)

        def evaluate(model):
            return {"acc": 1, "loss": 2}
        """,
    )
    told = {r.name: (r.source, r.key) for r in found}
    place = "{run_dir}/results/metrics.json"
    assert told == {
        "val_acc": (place, "val.acc"),
        "test_acc": (place, "test.acc"),
        "test_loss": (place, "test.loss"),
    }


def test_json_lines_and_write_text():
    found = read(
        """
        import json
        with open("log.jsonl", "a") as f:
            f.write(json.dumps({"val_loss": 1.0}) + "\\n")
        Path(FLAGS.dir, "r.json").write_text(json.dumps(dict(test_loss=2.0)))
        """,
        {"dir": "{run_dir}"},
    )
    assert {r.name: r.source for r in found} == {
        "val_loss": "log.jsonl",
        "test_loss": "{run_dir}/r.json",
    }


def test_a_metric_line_goes_before_json_and_json_before_text():
    found = read(
        """
        import json
        print(f"Test accuracy: {a}")
        json.dump({"test_accuracy": a}, open("r.json", "w"))
        print(f"METRIC test_accuracy={a}")
        json.dump({"val_accuracy": a}, open("r.json", "w"))
        print(f"Val accuracy: {a}")
        """
    )
    assert {r.name: r.kind for r in found} == {
        "test_accuracy": Kind.LINE,
        "val_accuracy": Kind.KEY,
    }


@pytest.mark.parametrize(
    ("code", "percent"),
    [
        ('print(f"Test accuracy: {acc:.2%}")', True),
        ('print(f"Test accuracy: {acc * 100:.2f}")', True),
        ('print("Test accuracy: %.2f%%" % acc)', True),
        ('acc = 100. * right / total\nprint(f"Test accuracy: {acc}")', True),
        ('acc = right / total\nprint(f"Test accuracy: {acc}")', False),
        ('acc = right / 1000\nprint(f"Test accuracy: {acc}")', False),
    ],
)
def test_percent_is_seen(code, percent):
    (found,) = read(code)
    assert found.percent is percent


def test_log_lines_are_told_from_printed_ones():
    (found,) = read('logger.info("test mse %.3f", mse)')
    assert found.kind is Kind.LOGGED and found.name == "test_mse"
