from textwrap import dedent

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.init.declared import interface
from autosota.agents.init.flags import compute_knob, output_flag, seed_flag
from autosota.agents.init.repository import Repository


def of(code: str, **others: str):
    files = {"train.py": dedent(code).encode()}
    files |= {k.replace("__", "."): dedent(v).encode() for k, v in others.items()}
    return interface(Repository(MemoryTree(files)), "train.py")


SEEDS = {
    "p.add_argument('-s', '--seed', default=0)": ["--seed", "7"],
    "p.add_argument('--random_seed', type=int)": ["--random_seed", "7"],
    "p.add_argument('--manualSeed', type=int)": ["--manualSeed", "7"],
    "p.add_argument('seed', type=int)": ["7"],
    "p.add_option('--rng-seed')": ["--rng-seed", "7"],
    "flags.DEFINE_integer('seed', 1, 'help')": ["--seed", "7"],
    "import click\n@click.command()\n@click.option('--seed', '-s')\ndef f(seed): ...": [
        "--seed",
        "7",
    ],
    "import fire\ndef main(data, random_state=0): ...\nfire.Fire(main)": ["--random_state", "7"],
    "import typer\ndef main(rng_seed: int = 0): ...\ntyper.run(main)": ["--rng-seed", "7"],
    "app = typer.Typer()\n@app.command()\ndef main(seed: int = typer.Option(3)): ...": [
        "--seed",
        "7",
    ],
    "@dataclass\nclass A:\n    seed: int = 0\n    use_seed: bool = True\nargs = tyro.cli(A)": [
        "--seed",
        "7",
    ],
    "p = HfArgumentParser((A, TrainingArguments))\n@dataclass\nclass A:\n    x: int = 0": [
        "--seed",
        "7",
    ],
    "import sys\nname = sys.argv[1]\nseed = int(sys.argv[2])": ["7"],
    "seed_offset = 0\nseed = 1\nexec(open('configurator.py').read())": ["--seed=7"],
}


@pytest.mark.parametrize("code", SEEDS)
def test_the_seed_flag(code):
    flag = seed_flag(of(code))
    assert flag is not None and flag.words("7") == SEEDS[code]


@pytest.mark.parametrize(
    "code",
    [
        "p.add_argument('--lr')",
        "p.add_argument('--fix-seed', action='store_true')",
        "p.add_argument('--split-seed', type=int)",
        "p.add_argument('--seedling', type=int)",
        "seed = 1",
        "class A:\n    pass\nimport tyro\ntyro.cli(A)",
    ],
)
def test_no_seed_flag(code):
    assert seed_flag(of(code)) is None


@pytest.mark.parametrize(
    "name",
    ["out", "output", "output-dir", "output_dir", "save-dir", "logdir", "run_dir", "results"],
)
def test_the_output_flag(name):
    flag = output_flag(of(f"p.add_argument('--{name}')\np.add_argument('--data-dir')"))
    assert flag is not None and flag.names == (f"--{name}",)


def test_flags_of_an_imported_module():
    found = of("from options import parse\nparse()", options__py="p.add_argument('--seed')")
    assert seed_flag(found).where == "options.py, line 1"
    # A module that runs by itself has its flags for itself.
    other = "p.add_argument('--seed')\nif __name__ == '__main__': f()"
    assert seed_flag(of("import tool", tool__py=other)) is None


def test_sub_commands():
    found = of(
        """
        sub = parser.add_subparsers()
        evaluate = sub.add_parser("evaluate")
        evaluate.add_argument("--checkpoint", required=True)
        train = sub.add_parser("train")
        train.add_argument("--seed")
        """
    )
    assert found.subcommand == "train"
    assert [f.dest for f in found.flags] == ["seed"]


def test_environment_variables():
    found = of("import os\nseed = int(os.environ.get('SEED', 0))\nout = os.environ['OUT_DIR']")
    assert {f.names[0] for f in found.flags} == {"SEED", "OUT_DIR"}


def test_hydra():
    found = of(
        "import hydra\n@hydra.main(config_path='conf', config_name='main')\ndef f(cfg): ...",
        **{
            "conf/main__yaml": "defaults:\n  - trainer: base\nexperiment:\n  seed: 1 # fixed\n",
            "conf/trainer/base__yaml": "max_epochs: 3\nseed: 2\n",
            "conf/debug/quick__yaml": "# @package _global_\nseed: 3\n",
            "conf/other__yaml": "seed: 4\n",
        },
    )
    assert seed_flag(found).words("7") == ["experiment.seed=7"]
    assert output_flag(found).words("d") == ["hydra.run.dir=d"]
    assert compute_knob(found)[0].names == ("trainer.max_epochs",)
