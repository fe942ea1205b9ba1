from textwrap import dedent

import pytest

from autosota.agents.code.tree import MemoryTree
from autosota.agents.init import commands
from autosota.agents.init.plan import find_plan
from autosota.agents.init.repository import Repository

TRAIN = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("--seed", type=int)
p.add_argument("--out")
p.parse_args()
model.fit(x)
print(f"METRIC test_acc={a}")
"""


def repository(**files: str | bytes) -> Repository:
    named = {k.replace("__", "."): v for k, v in files.items()}
    return Repository(
        MemoryTree({k: v if isinstance(v, bytes) else dedent(v).encode() for k, v in named.items()})
    )


def chosen(repo: Repository) -> str:
    plan = find_plan(repo, lambda script: repo.text(script).count("METRIC"))
    assert plan is not None
    return plan.filled.command


WANTED = "python train.py --seed {seed} --out {run_dir}"
TYPED = {
    "```bash\n$ python train.py\n```": WANTED,
    "```\npython train.py --seed 0 --out runs/a\n```": WANTED,
    "```\npython train.py --seed=0 --out=runs/a\n```": "python train.py --seed={seed} "
    "--out={run_dir}",
    "Run `python train.py` to start.": WANTED,
    "Run\n\n    python train.py \\\n      --seed 3 \\\n      --out x   # an hour\n": WANTED,
    "```\npip install -r requirements.txt\npython3 train.py > log.txt 2>&1 &\n```": "python3 "
    "train.py --seed {seed} --out {run_dir}",
    "```\nCUDA_VISIBLE_DEVICES=0 OMP_NUM_THREADS=1 python train.py\n```": "OMP_NUM_THREADS=1 "
    + WANTED,
    "```\nuv run python train.py\n```": WANTED,
    "```\nfor s in 1 2 3; do python train.py --seed $s --out out/$s; done\n```": WANTED,
    "```\npython train.py --out <where to save it> --seed <seed>\n```": WANTED,
    "```\npython train.py [--seed SEED] [-h]\n```": WANTED,
    "```\ngit clone https://x/y && cd y && python train.py\n```": WANTED,
    "```\npython other.py\n```": WANTED,  # there is no such file: the script itself is found
    "Run::\n\n    python -m train --seed 1\n": "python -m train --seed {seed} --out {run_dir}",
    "```\ntorchrun --nproc_per_node=2 train.py\n```": "torchrun --nproc_per_node=2 train.py "
    "--seed {seed} --out {run_dir}",
}


@pytest.mark.parametrize("text", TYPED)
def test_what_a_readme_types(text):
    assert chosen(repository(README__md=f"# A\n\n{text}\n", train__py=TRAIN)) == TYPED[text]


def test_a_command_that_is_complete_goes_first():
    readme = "```\npython train.py --data <your data> --lr 1\npython train.py --lr 2\n```\n"
    command = chosen(repository(README__md=readme, train__py=TRAIN))
    assert command == "python train.py --lr 2 --seed {seed} --out {run_dir}"


def test_a_folder_is_entered():
    tree = {"README.md": b"```\ncd my code\n```\n```\ncd 'my code'\npython 'a b.py'\n```\n"}
    tree["my code/a b.py"] = TRAIN.encode()
    command = chosen(Repository(MemoryTree(tree)))
    assert command == "cd 'my code' && python 'a b.py' --seed {seed} --out {run_dir}"


def test_modules_of_packages():
    tree = {"pkg/__init__.py": b"", "pkg/train.py": TRAIN.encode() + b"if __name__ == '': pass"}
    assert chosen(Repository(MemoryTree(tree))).startswith("python -m pkg.train --seed")
    moved = {f"src/{k}": v for k, v in tree.items()}
    assert chosen(Repository(MemoryTree(moved))).startswith("python -m pkg.train --seed")
    moved = {f"code/{k}": v for k, v in tree.items()}
    assert chosen(Repository(MemoryTree(moved))).startswith("PYTHONPATH=code:$PYTHONPATH python -m")


def test_make_targets_and_shell_scripts():
    repo = repository(
        Makefile="""
        OUT = results
        train: data
        \tpython train.py --out $(OUT) --seed 1
        """,
        train__py=TRAIN,
    )
    assert chosen(repo) == "python train.py --out {run_dir} --seed {seed}"
    steps = """
    SEED ?= 0
    all:
    \tpython prepare.py
    \tpython train.py --seed $(SEED)
    """
    repo = repository(Makefile=steps, train__py="model.fit()", prepare__py="if __name__: f()")
    makes = [c for c in commands.of_makefiles(repo) if c.kind == "make"]
    assert [c.words for c in makes] == [("make", "all")]
    shell = repository(
        run__sh="SEED=${SEED:-0}\npython train.py --seed $SEED\n", train__py="f.fit()"
    )
    assert chosen(shell) == "SEED={seed} bash run.sh"


def test_equal_candidates_are_chosen_the_same_way_and_the_others_named():
    files = {"train_b.py": TRAIN.encode(), "train_a.py": TRAIN.encode(), "plot.py": b"plot()\n"}
    for order in (files, dict(reversed(files.items()))):
        repo = Repository(MemoryTree(order))
        plan = find_plan(repo, lambda script: 1)
        assert plan.chosen.candidate.target == "train_a.py"
        assert [o.candidate.target for o in plan.others] == ["train_b.py"]


def test_what_is_no_experiment():
    for files in (
        {"README__md": "# Words only\n\n`python` is a snake.\n"},
        {"plot__py": "plt.plot(x)\nplt.show()\n"},
        {"setup__py": "setup(name='x')\n"},
        {"lib__py": "def f(): ...\n"},
        {"README__md": "```\npython train.py\n```\n"},
        {"run__sh": "echo hello\n"},
        {},
    ):
        assert find_plan(repository(**files), lambda script: 0) is None


def test_a_test_script_is_not_taken_for_the_experiment():
    tree = {"tests/train.py": TRAIN.encode(), "main.py": TRAIN.encode()}
    assert chosen(Repository(MemoryTree(tree))).startswith("python main.py")


@pytest.mark.parametrize(
    "word", ["a b", "it's", "$HOME", "{seed}", "{run_dir}/a b", "", "é", "a;b"]
)
def test_quoted_words_survive_the_shell(word):
    import subprocess

    line = commands.join(["printf", "%s", word])
    told = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert told.stdout == word
