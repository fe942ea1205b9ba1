"""Which declared settings a program cannot be told, and when nothing is said."""

from __future__ import annotations

from textwrap import dedent

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.init.accepts import unknown_arguments, unknown_settings

ARGPARSE = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("-e", "--epochs", type=int, default=8)
p.add_argument("--learning-rate", type=float)
p.add_argument("--flip", action=argparse.BooleanOptionalAction)
"""
CLICK = """
import click
@click.command()
@click.option("--epochs", "-n", default=30)
@click.option("--fast/--slow")
def main(epochs, fast): ...
"""


def said(setting: str, code: str = ARGPARSE, **files: str) -> list[str]:
    tree = {"train.py": code, **{n.replace("__", "."): t for n, t in files.items()}}
    held = MemoryTree({k: dedent(v).encode() for k, v in tree.items()})
    return [str(u) for u in unknown_settings(held, "python train.py --seed {seed}", [setting])]


@pytest.mark.parametrize(
    "setting",
    ["--epochs", "-e", "--epo", "--epochs=3", "--learning-rate", "--no-flip", "--help", "-e3"],
)
def test_a_flag_that_argparse_has_is_known(setting):
    assert said(setting) == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("--epoch_s", "train.py knows no '--epoch_s'; did you mean '--epochs'?"),
        ("--num_epochs", "train.py knows no '--num_epochs'; did you mean '--epochs'?"),
        ("epochs", "train.py knows no 'epochs'; did you mean '--epochs'?"),
        ("--learning_rate", "did you mean '--learning-rate'?"),
        ("--warmup", "train.py knows no '--warmup'"),
        ("-z", "train.py knows no '-z'"),
    ],
)
def test_a_flag_that_argparse_does_not_have_is_said(setting, words):
    (line,) = said(setting)
    assert words in line


def test_click_options_with_two_names():
    assert said("--epochs", CLICK) == said("--slow", CLICK) == said("-n", CLICK) == []
    (line,) = said("--epoch-s", CLICK)
    assert "did you mean '--epochs'?" in line


@pytest.mark.parametrize(
    "code",
    [
        ARGPARSE + "args, rest = p.parse_known_args()\n",
        ARGPARSE + "for n in NAMES:\n    p.add_argument('--' + n)\n",
        ARGPARSE + "deepspeed.add_config_arguments(p)\n",
        ARGPARSE + "import sys\nprint(sys.argv)\n",
        CLICK.replace("@click.option(", "@common_options\n@click.option(", 1),
        CLICK.replace("command()", "command(context_settings={'ignore_unknown_options': True})"),
        "import os\nprint(os.environ['EPOCHS'])\n",
        "import fire\ndef main(epochs=3): ...\nfire.Fire(main)\n",
    ],
)
def test_nothing_is_said_where_it_cannot_be_known(code):
    assert said("--warmup", code) == []


def test_flags_that_a_local_module_adds_are_known():
    code = ARGPARSE + "from options import add\nadd(p)\n"
    options = "def add(parser):\n    parser.add_argument('--warmup', type=int)\n"
    assert said("--warmup", code, options__py=options) == []
    assert len(said("--cooldown", code, options__py=options)) == 1


HYDRA = """
import hydra
@hydra.main(config_path="conf", config_name="config")
def main(cfg): ...
main()
"""


def test_hydra_keys():
    conf = {"conf/config.yaml": "trainer:\n  epochs: 3\nlr: 0.1\n"}
    assert said("trainer.epochs", HYDRA, **conf) == said("+new.key", HYDRA, **conf) == []
    (line,) = said("trainer.epoch", HYDRA, **conf)
    assert line == "train.py knows no 'trainer.epoch'; did you mean 'trainer.epochs'?"
    (line,) = said("--epochs", HYDRA, **conf)
    assert "did you mean 'trainer.epochs'?" in line
    assert said("model", HYDRA, **conf, **{"conf/model/big.yaml": "size: 3\n"}) == []
    stored = HYDRA + "from hydra.core.config_store import ConfigStore\n"
    assert said("trainer.epoch", stored, **conf) == []


def test_the_last_program_of_a_command_is_asked():
    tree = MemoryTree({"a.py": CLICK.encode(), "b.py": ARGPARSE.encode()})
    command = "python a.py --epochs 1 && python b.py --learning-rate 1"
    assert unknown_settings(tree, command, ["--slow"])[0].script == "b.py"
    assert unknown_settings(tree, "./run", ["--slow"]) == []


def test_the_flags_of_the_command_itself():
    tree = MemoryTree({"train.py": ARGPARSE.encode(), "run.sh": b'python train.py --x "$@"\n'})
    (found,) = unknown_arguments(tree, "python train.py --seed {seed} --epochs 3 -- -1")
    assert (found.setting, found.near) == ("--seed", "")
    assert unknown_arguments(tree, "sh run.sh") == []
