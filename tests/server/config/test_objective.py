from __future__ import annotations

from pathlib import Path

import pytest

from autosota.agents.domain import (
    Direction,
    Guard,
    MetricSource,
    PaperClaim,
    RowsControl,
    Transfer,
)
from autosota.server.config import (
    NoObjective,
    ObjectiveError,
    load_objective,
    objective_file,
    read_objective,
)
from autosota.server.errors import UserError

WHOLE = """
[paper]
title = "A title"
source = "paper.pdf"
claims = [{ metric = "test_accuracy", value = 0.94, where = "Table 1, row CNN" }]
tolerance = 0.05

[objective]
command = "python train.py --seed {seed} --out {run_dir}"
evaluate = "python evaluate.py --pred {run_dir}/pred.npy"
metric = "test_accuracy"
select_on = "val_accuracy"
direction = "minimize"
seeds = [7, 1]
confirm_seeds = 6
target = 0.97
outcomes = "{run_dir}/per_example.csv"
timeout = "1h30m"

[metrics.test_accuracy]
from = "{run_dir}/results.json"
key = "test.acc"
unit = "fraction"

[metrics."val_accuracy"]
pattern = "acc=(?P<value>[0-9.]+)"

[objective.guard.params]
max_increase = 0.10
[objective.guard.wall_seconds]
max_increase_abs = 30

[protocol]
evaluation = ["evaluate.py", "src/train.py::Model.evaluate"]
data = ["data/**"]
labels = ["labels/**"]
frozen = { seq_len = 40, mode = "full", shuffle = false, rate = 0.5 }

[controls]
labels = { file = "data/train.csv", column = "y" }
inputs = { file = "data/test.npy" }
compute_knob = { flag = "--epochs", unit = "epochs" }
chance = 0.1

[[transfer]]
name = "long-horizon"
arguments = "--horizon 96 --split {seed}"
[[transfer]]
name = "small"
arguments = "--width 16"

[environment]
sandbox = "local"
requirements = "requirements.txt"
python = ""
image = ""
gpus = 1
network = false
memory = "8GiB"
disk = "500MB"
caches = ["HF_HOME", "TORCH_HOME"]

[budget]
evaluations = 60
ideas = 12
wall = "2h"
dollars = 5.0
tokens = 2_000_000

[autonomy]
mode = "autonomous"
"""

LEAST = '[objective]\ncommand = "python t.py --seed {seed}"\nmetric = "acc"\n'


def load(folder: Path, text: str) -> list[str]:
    """The problems of a text; empty when it loads."""
    (folder / "autosota.toml").write_text(text)
    try:
        load_objective(folder)
    except ObjectiveError as error:
        assert str(error) == error.problems[0]
        assert all("\n" not in problem for problem in error.problems)
        return [problem.removeprefix("autosota.toml: ") for problem in error.problems]
    return []


def test_the_whole_format(tmp_path: Path) -> None:
    (tmp_path / "autosota.toml").write_text(WHOLE)
    objective = load_objective(tmp_path)
    assert objective.command == "python train.py --seed {seed} --out {run_dir}"
    assert objective.evaluate == "python evaluate.py --pred {run_dir}/pred.npy"
    assert (objective.metric, objective.select_on) == ("test_accuracy", "val_accuracy")
    assert objective.direction is Direction.MINIMIZE
    assert (objective.seeds, objective.confirm_seeds) == ((7, 1), 6)
    assert objective.timeout_seconds == 5400.0
    assert objective.paper.claims == (PaperClaim("test_accuracy", 0.94, "Table 1, row CNN"),)
    assert objective.metrics == {
        "test_accuracy": MetricSource(
            "test_accuracy", "{run_dir}/results.json", "test.acc", "", "fraction"
        ),
        "val_accuracy": MetricSource("val_accuracy", pattern="acc=(?P<value>[0-9.]+)"),
    }
    assert objective.guards == (
        Guard("params", max_increase=0.1),
        Guard("wall_seconds", max_increase_abs=30.0),
    )
    assert objective.protocol.evaluation == ("evaluate.py", "src/train.py::Model.evaluate")
    assert objective.protocol.labels == ("labels/**",)
    assert objective.protocol.frozen == {
        "seq_len": 40,
        "mode": "full",
        "shuffle": False,
        "rate": 0.5,
    }
    assert objective.paper.tolerance == 0.05
    assert (objective.target, objective.outcomes) == (0.97, "{run_dir}/per_example.csv")
    assert objective.controls.labels == RowsControl("data/train.csv", "y")
    assert objective.controls.inputs == RowsControl("data/test.npy", "")
    assert objective.controls.chance == 0.1
    assert objective.transfers == (
        Transfer("long-horizon", "--horizon 96 --split {seed}"),
        Transfer("small", "--width 16"),
    )
    assert objective.budget.ideas == 12
    assert objective.environment.requirements_file == "requirements.txt"
    assert objective.environment.memory_bytes == 8 * 2**30
    assert objective.environment.disk_bytes == 500_000_000
    assert objective.environment.caches == ("HF_HOME", "TORCH_HOME")
    assert (objective.budget.evaluations, objective.budget.wall_seconds) == (60, 7200.0)
    assert (objective.budget.dollars, objective.budget.tokens) == (5.0, 2_000_000)
    assert objective.autonomy == "autonomous"


def test_the_least_it_takes(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST) == []
    objective = load_objective(tmp_path)
    assert objective.select_on == "acc"
    assert objective.selects_on_claim
    assert objective.seeds == (0, 1, 2, 3, 4)
    assert objective.autonomy == "suggest"
    requirements = '[environment]\nrequirements = ["numpy", "scipy>=1"]\n'
    assert load(tmp_path, LEAST + requirements) == []
    assert load_objective(tmp_path).environment.requirements == ("numpy", "scipy>=1")


OBJECTIVE_PROBLEMS = [
    ("seed = [1]", "objective.seed: unknown key; did you mean 'seeds'?"),
    ("colour = 1", "objective.colour: unknown key; known are command, evaluate, metric, select_on,"
     " direction, seeds, confirm_seeds, target, outcomes, timeout, guard"),
    ('"a\\nb" = 1', "objective.'a\\nb': unknown key; known are"),
    ("seeds = []", "objective.seeds: empty; the baseline needs at least one"),
    ("seeds = [1, 2, 1]", "objective.seeds: 1 is there twice"),
    ("seeds = [1, 2.0]", "objective.seeds: [1, 2.0] is not a list of whole numbers"),
    ("seeds = [true]", "objective.seeds: [true] is not a list of whole numbers"),
    ("seeds = 5", "objective.seeds: 5 is not a list of whole numbers"),
    ('seeds = ["1"]', "objective.seeds: ['1'] is not a list"),
    ("seeds = [-1]", "objective.seeds: -1 is not a seed; libraries take 0 to 4294967295"),
    ("seeds = [4294967296]", "objective.seeds: 4294967296 is not a seed"),
    ("confirm_seeds = 1", "objective.confirm_seeds: 1 is too small; it must be at least 2"),
    ("confirm_seeds = 2.5", "objective.confirm_seeds: 2.5 is not a whole number"),
    ('confirm_seeds = "10"', "objective.confirm_seeds: '10' is not a whole number"),
    ('timeout = "ten minutes"', "objective.timeout: 'ten minutes' is not a duration; write it"),
    ('timeout = "10 minutes"', "objective.timeout: '10 minutes' is not a duration"),
    ('timeout = "30m1h"', "objective.timeout: '30m1h' is not a duration"),
    ("timeout = 0", "objective.timeout: 0 is too short; it must be more than 0"),
    ('timeout = "-5m"', "objective.timeout: '-5m' is too short"),
    ("timeout = inf", "objective.timeout: inf seconds are more than ten years"),
    ("timeout = nan", "objective.timeout: nan seconds are more than ten years"),
    ("timeout = 10:00:00", "objective.timeout: 10:00:00 is not a duration"),
    ('direction = "max"', "objective.direction: 'max' is not known; did you mean 'maximize'?"),
    ('direction = "minimise"', "objective.direction: 'minimise' is not known; did you mean"
     " 'minimize'?"),
    ('direction = "sideways"', "objective.direction: 'sideways' is not known; it is one of"
     " maximize, minimize"),
    ("direction = 1", "objective.direction: 1 is not a string; put it in quotes"),
    ('select_on = "val acc"', "objective.select_on: 'val acc' is not a metric's name"),
    ('select_on = ""', "objective.select_on: '' is not a metric's name"),
    ('evaluate = "python e.py {pred}"', "objective.evaluate: {pred} is not known; there are {seed}"
     " and {run_dir}"),
    ("evaluate = \"python 'e.py\"", "objective.evaluate: cannot be split into words: no closing"),
    ('evaluate = "a\\u0000b"', "objective.evaluate: 'a\\x00b' holds the control character '\\x00'"),
    ('target = "0.9"', "objective.target: '0.9' is not a finite number"),
    ("target = nan", "objective.target: nan is not a finite number"),
    ('outcomes = "o.csv"', "objective.outcomes: 'o.csv' is not a CSV file like"),
    ('outcomes = "{run_dir}/o.json"', "objective.outcomes: '{run_dir}/o.json' is not a CSV file"),
    ('outcomes = "{run_dir}/../o.csv"', "objective.outcomes: '../o.csv' leaves {run_dir}"),
    ("guard = 3", "objective.guard: 3 is not a table; write [objective.guard.NAME]"),
    ("guard.params = 3", "objective.guard.params: 3 is not a table"),
    ("guard.params = {}", "objective.guard.params: no limit; set one of max_increase"),
    ("guard.params.max_increase = -0.1", "objective.guard.params.max_increase: -0.1 is negative"),
    ("guard.params.max_increase = nan", "objective.guard.params.max_increase: nan is not a finite"),
    ("guard.params.max = 1", "objective.guard.params.max: unknown key; known are max_increase"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "problem"), OBJECTIVE_PROBLEMS)
def test_problems_of_the_objective(tmp_path: Path, line: str, problem: str) -> None:
    (first, *_) = load(tmp_path, LEAST + line) or [""]
    assert first.startswith(problem)


OTHER_PROBLEMS = [
    ("budgets.wall = 1", "budgets: unknown key; did you mean 'budget'?"),
    ("paper = 3", "paper: 3 is not a table; write [paper]"),
    ("paper.claims = [1]", "paper.claims: [1] is not like"),
    ('paper.claims = [{ metric = "a" }]', "paper.claims[0].value: missing; the number that the"),
    ('paper.claims = [{ metric = "a", value = "0.9" }]', "paper.claims[0].value: '0.9' is not"),
    ("paper.claims = [{ value = 1 }]", "paper.claims[0].metric: missing; the metric it is about"),
    ("metrics.acc = 1", "metrics.acc: 1 is not a table; write [metrics.acc]"),
    ('metrics."a b".key = "x"', "metrics: 'a b' is not a metric's name"),
    ('metrics.a.from = "results.json"', "metrics.a.from: 'results.json' is neither \"stdout\""),
    ('metrics.a.from = "{run_dir}/../x"', "metrics.a.from: '../x' leaves {run_dir}"),
    ('metrics.a.from = "{run_dir}//etc/passwd"', "metrics.a.from: '/etc/passwd' leaves"),
    ('metrics.a.from = "/tmp/x"', "metrics.a.from: '/tmp/x' is neither"),
    ('metrics.a = { key = "x", pattern = "(?P<value>.)" }', "metrics.a.key: key and pattern are"),
    ('metrics.a.pattern = "acc=([0-9]+)"', "metrics.a.pattern: 'acc=([0-9]+)' has no group named"),
    ('metrics.a.pattern = "(?P<value>"', "metrics.a.pattern: '(?P<value>' is not a regular"),
    ('metrics.a.pattern = "x{99999999999999}"', "metrics.a.pattern: "),
    ('protocol.evaluation = "e.py"', "protocol.evaluation: 'e.py' is not a list; write [\"e.py\"]"),
    ('protocol.evaluation = ["/e.py"]', "protocol.evaluation: '/e.py' leaves the workspace"),
    ('protocol.evaluation = ["e.py::"]', "protocol.evaluation: 'e.py::' is not like \"file.py\""),
    ('protocol.evaluation = ["e.py::a b"]', "protocol.evaluation: 'e.py::a b' is not like"),
    ('protocol.data = ["../d/**"]', "protocol.data: '../d/**' leaves the workspace"),
    ('protocol.data = ["C:\\\\d"]', "protocol.data: 'C:\\\\d' leaves the workspace"),
    ('protocol.data = ["~/d"]', "protocol.data: '~/d' leaves the workspace"),
    ('protocol.data = [""]', "protocol.data: holds an empty string"),
    ("protocol.data = [1]", "protocol.data: [1] is not a list of strings"),
    ('protocol.labels = ["l/**"]', "protocol.labels: labels are mounted for objective.evaluate"),
    ("protocol.frozen = { a = [1] }", "protocol.frozen: a = [1] is not a string, a number"),
    ("protocol.frozen = { a = 2020-01-01 }", "protocol.frozen: a = 2020-01-01 is not a string"),
    ("protocol.frozen = { a = nan }", "protocol.frozen: a = nan is not a string"),
    (f"protocol.frozen = {{ a = 0x{'f' * 9000} }}", "protocol.frozen: a = a number of more than"),
    ("controls.labels = {}", "controls.labels.file: missing; the file that holds the training"),
    ('controls.labels.file = "/x"', "controls.labels.file: '/x' leaves the workspace"),
    ("controls.inputs = {}", "controls.inputs.file: missing; the file that holds the inputs"),
    ('controls.inputs.file = "../x"', "controls.inputs.file: '../x' leaves the workspace"),
    ('controls.inputs = "x.csv"', "controls.inputs: 'x.csv' is not a table; write"),
    ('controls.chance = "half"', "controls.chance: 'half' is not a finite number"),
    ("paper.tolerance = -0.1", "paper.tolerance: -0.1 is negative; write how much worse than the"),
    ("paper.tolerance = inf", "paper.tolerance: inf is not a finite number"),
    ("transfer = 3", "transfer: 3 is not an array of tables; write [[transfer]]"),
    ("transfer = [{}]", "transfer[0].name: missing; what the other setting is called"),
    ('transfer = [{ name = "a" }]', "transfer[0].arguments: missing; what is added, such as"),
    ('transfer = [{ name = "a/b", arguments = "x" }]', "transfer[0].name: 'a/b' is not a name;"),
    ('transfer = [{ name = "a", arguments = "x" }, { name = "a", arguments = "y" }]',
     "transfer[1].name: 'a' is there twice; give each transfer its own name"),
    ("transfer = [{ name = \"a\", arguments = \"'x\" }]", "transfer[0].arguments: cannot be split"),
    ('transfer = [{ name = "a", arguments = "{sed}" }]', "transfer[0].arguments: {sed} is not"),
    ('transfer = [{ name = "a", arguments = "x\\ny" }]', "transfer[0].arguments: 'x\\ny' has more"),
    ("budget.ideas = 0", "budget.ideas: 0 is too small; it must be at least 1; leave it out"),
    ("controls.compute_knob = {}", "controls.compute_knob.flag: missing"),
    ('environment.sandbox = "podman"', "environment.sandbox: 'podman' is not known; it is one of"),
    ('environment.sandbox = "dokcer"', "environment.sandbox: 'dokcer' is not known; did you mean"
     " 'docker'?"),
    ("environment.gpus = -1", "environment.gpus: -1 is too small; it must be at least 0"),
    ('environment.network = "no"', "environment.network: 'no' is not true or false"),
    ('environment.memory = "8"', "environment.memory: '8' is not a size; write it like"),
    ('environment.memory = "8G"', "environment.memory: '8G' is not a size; did you mean '8GiB'?"),
    ("environment.memory = -1", "environment.memory: -1 is not a size between"),
    ("environment.requirements = 3", "environment.requirements: 3 is not a list of strings"),
    ('environment.requirements = "../r.txt"', "environment.requirements: '../r.txt' leaves"),
    ('environment.caches = ["~/.cache"]', "environment.caches: '~/.cache' is not the name of an"),
    ("budget.evaluations = 0", "budget.evaluations: 0 is too small; it must be at least 1"),
    ("budget.evaluations = -3", "budget.evaluations: -3 is too small"),
    ("budget.wall = -1", "budget.wall: -1 is too short"),
    ("budget.dollars = 0", "budget.dollars: 0 must be more than 0; leave it out for no limit"),
    ("budget.dollars = -1.5", "budget.dollars: -1.5 must be more than 0"),
    ("budget.tokens = 0", "budget.tokens: 0 is too small; it must be at least 1; leave it out"),
    ('autonomy.mode = "on"', "autonomy.mode: 'on' is not known; did you mean 'autonomous'?"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "problem"), OTHER_PROBLEMS)
def test_problems_elsewhere(tmp_path: Path, line: str, problem: str) -> None:
    (first, *_) = load(tmp_path, line + "\n" + LEAST) or [""]
    assert first.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "objective: missing; it says what is run and measured"),
        ("[objective]", "objective.command: missing; the command of one experiment"),
        ('objective = "x"', "objective: 'x' is not a table; write [objective]"),
        ('[objective]\ncommand = " "\nmetric = "a"', "objective.command: empty; the command"),
        ('[objective]\ncommand = "\'\'"\nmetric = "a"', "objective.command: names no program"),
        ('[objective]\ncommand = "c"\n', "objective.metric: missing; the name of the metric"),
        ('[objective]\ncommand = "c {sed}"\nmetric = "a"', "objective.command: {sed} is not known"),
    ],
)
def test_what_cannot_be_left_out(tmp_path: Path, text: str, problem: str) -> None:
    assert load(tmp_path, text)[0].startswith(problem)


def test_all_problems_are_found_typos_first(tmp_path: Path) -> None:
    problems = load(
        tmp_path,
        '[objective]\ncomand = "x"\nmetric = "a"\nseeds = []\n[budget]\nwal = 1\ndollars = 0\n',
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "objective.comand",
        "budget.wal",
        "objective.command",
        "objective.seeds",
        "budget.dollars",
    ]


def test_shell_braces_are_no_placeholders(tmp_path: Path) -> None:
    text = '[objective]\nmetric = "a"\ncommand = "sh -c \'echo ${HOME} {run_dir}/{seed} {} {1}\'"'
    assert load(tmp_path, text) == []


# ------------------------------------------------------------------ files


def test_pyproject_holds_it_too(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    table = LEAST.replace("[objective]", "[tool.autosota.objective]")
    pyproject.write_text('[project]\nname = "x"\n' + table)
    assert objective_file(tmp_path) == pyproject
    assert load_objective(tmp_path).metric == "acc"
    pyproject.write_text(table + "seed = 1")
    with pytest.raises(ObjectiveError) as raised:
        load_objective(tmp_path)
    assert str(raised.value) == (
        "pyproject.toml: tool.autosota.objective.seed: unknown key; did you mean 'seeds'?"
    )


def test_autosota_toml_wins_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "autosota.toml").write_text(LEAST)
    assert not any("pyproject" in line for line in read_objective(tmp_path).warnings)
    (tmp_path / "pyproject.toml").write_text("[tool.autosota.objective]\ncommand = 'other'")
    loaded = read_objective(tmp_path)
    assert loaded.file == tmp_path / "autosota.toml"
    assert loaded.objective.metric == "acc"
    assert loaded.warnings[0].startswith("autosota.toml is used; [tool.autosota] in pyproject.toml")


def test_no_objective_here(tmp_path: Path) -> None:
    assert objective_file(tmp_path) is None
    with pytest.raises(NoObjective, match=r"no autosota\.toml here; `autosota init` proposes one"):
        load_objective(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert objective_file(tmp_path) is None
    with pytest.raises(NoObjective):
        load_objective(tmp_path)
    with pytest.raises(NoObjective, match=r"no table \[tool.autosota\]"):
        load_objective(tmp_path, tmp_path / "pyproject.toml")
    (tmp_path / "pyproject.toml").write_text("[project\n")  # nothing of ours
    with pytest.raises(NoObjective):
        load_objective(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.autosota.objective\n")
    with pytest.raises(UserError, match=r"pyproject.toml: line 1, column 25: not TOML"):
        load_objective(tmp_path)


def test_a_file_can_be_named(tmp_path: Path) -> None:
    other = tmp_path / "my folder" / "ziel.toml"
    other.parent.mkdir()
    other.write_text(LEAST)
    assert load_objective(tmp_path, other).metric == "acc"
    other.write_text(LEAST + "seeds = []")
    with pytest.raises(UserError, match=r"^my folder/ziel\.toml: objective\.seeds: empty"):
        load_objective(tmp_path, other)
    with pytest.raises(UserError, match=r"none\.toml: no such file"):
        load_objective(tmp_path, tmp_path / "none.toml")
    with pytest.raises(UserError, match="my folder: not a file"):
        load_objective(tmp_path, other.parent)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x7fELF\x02\x01\x01\x00", "line 1, column 1: not TOML: "),
        (b"a = 1\nb = '\xff'", r"line 2: not a text in UTF-8 \(byte 0xff\); save it as UTF-8"),
        (LEAST.encode("utf-16"), "is in UTF-16; save it as UTF-8"),
        (b"a = 1\nb = = 2\n", "line 2, column 5: not TOML: "),
        (b"a = 'x", "at its end: not TOML: "),
        (b"a = " + b"[" * 100_000, "not TOML: nested too deeply"),
        (b"a = " + b"9" * 10_000, "not TOML: "),
        (b"#" * (4 * 2**20 + 1), "larger than 4 MiB"),
    ],
)
def test_files_that_are_no_toml(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "autosota.toml").write_bytes(content)
    with pytest.raises(UserError, match=rf"^autosota\.toml: {problem}") as raised:
        load_objective(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    (tmp_path / "autosota.toml").write_bytes(LEAST.replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_objective(tmp_path).metric == "acc"
