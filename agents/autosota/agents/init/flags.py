"""The settings of a script, and which one is for the seed, the output and the compute.

Told by their names. How a script declares them is read in `declared`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How a value is handed over."""

    FLAG = "flag"
    POSITIONAL = "positional"
    OVERRIDE = "override"
    ENVIRONMENT = "environment"
    ASSIGNED = "assigned"


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting of a script.

    `names` are as typed (`--seed`, `-s`; `seed` for a Hydra override or a positional);
    `dest` is the name the code uses. `default` is "" when there is none.
    """

    names: tuple[str, ...]
    dest: str
    where: str
    style: Style = Style.FLAG
    default: str = ""
    required: bool = False
    switch: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    owner: str = ""

    def words(self, value: str) -> list[str]:
        """The words that hand a value over on a command line."""
        if self.style is Style.OVERRIDE:
            return [f"{self.names[0]}={value}"]
        if self.style is Style.POSITIONAL:
            return [value]
        if self.style is Style.ASSIGNED:
            return [f"{self.names[0]}={value}"]
        return [self.names[0], value]


@dataclass(frozen=True, slots=True)
class Interface:
    """All settings of a script. `subcommand` must come before the flags that belong to it."""

    flags: tuple[Flag, ...] = ()
    kind: str = ""
    subcommand: str = ""

    def of(self, dest: str) -> Flag | None:
        """The flag that the code knows by this name."""
        return next((f for f in self.flags if f.dest == dest), None)


_SEEDS = (
    "seed", "random_seed", "rng_seed", "global_seed", "manual_seed", "manualseed", "randomseed",
    "random_state", "training_seed", "train_seed", "seeds",
)  # fmt: skip
_OUTPUTS = (
    "run_dir", "out_dir", "outdir", "output_dir", "outputdir", "out", "output", "output_path",
    "out_path", "output_folder", "save_dir", "savedir", "save_path", "results_dir", "result_dir",
    "results_path", "results", "save_to", "save", "exp_dir", "experiment_dir", "work_dir",
    "workdir", "log_dir", "logdir", "logging_dir", "checkpoint_dir", "ckpt_dir",
    "default_root_dir", "model_dir", "models_dir", "out_file", "output_file", "outfile",
    "save_folder", "logs_dir", "dump_path", "dest",
)  # fmt: skip
_KNOBS = {
    "epochs": "epochs", "num_epochs": "epochs", "n_epochs": "epochs", "max_epochs": "epochs",
    "num_train_epochs": "epochs", "steps": "steps", "max_steps": "steps", "num_steps": "steps",
    "total_steps": "steps", "iterations": "iterations", "max_iter": "iterations",
    "max_iters": "iterations", "n_iter": "iterations", "iters": "iterations",
    "total_timesteps": "timesteps", "n_estimators": "trees", "num_rounds": "rounds",
}  # fmt: skip


def seed_flag(interface: Interface) -> Flag | None:
    """The flag that sets the random seed."""

    def rank(flag: Flag) -> int | None:
        last = _last(flag.dest)
        if flag.switch:
            return None
        if last in _SEEDS:
            return _SEEDS.index(last) + 10 * flag.dest.count(".")
        if re.search(r"(^|_)seed$", last) and not re.search(r"split|data|eval|test", last):
            return 50
        return None

    return _best(interface, rank)


def output_flag(interface: Interface) -> Flag | None:
    """The flag that says where results go."""

    def rank(flag: Flag) -> int | None:
        last = _last(flag.dest)
        return _OUTPUTS.index(last) if not flag.switch and last in _OUTPUTS else None

    return _best(interface, rank)


def compute_knob(interface: Interface) -> tuple[Flag, str] | None:
    """The flag that spends more or less compute, and what it counts."""
    for flag in interface.flags:
        unit = _KNOBS.get(_last(flag.dest))
        if unit and not flag.switch and flag.style in (Style.FLAG, Style.OVERRIDE, Style.ASSIGNED):
            return flag, unit
    return None


def _best(interface: Interface, rank: Callable[[Flag], int | None]) -> Flag | None:
    ranked = [(rank(f), i) for i, f in enumerate(interface.flags)]
    known = sorted((r, i) for r, i in ranked if r is not None)
    return interface.flags[known[0][1]] if known else None


def _last(dest: str) -> str:
    return dest.rsplit(".", 1)[-1].lower().replace("-", "_")
