"""`autosota.toml` as an `Objective`: every key, its type and what it may be.

The format is the design's. Where the text comes from is `files`'; what is only doubtful and
not wrong is `checks`'.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from autosota.agents.domain import (
    Budget,
    ComputeKnob,
    Controls,
    Direction,
    Environment,
    Guard,
    MetricSource,
    Objective,
    Paper,
    PaperClaim,
    Protocol,
    RowsControl,
    Transfer,
)
from autosota.server.config.checks import warnings_of
from autosota.server.config.files import read_source
from autosota.server.config.model import ModelSettings, model_settings, read_model
from autosota.server.config.section import (
    ObjectiveError,
    Problems,
    Section,
    is_integer,
    is_number,
)
from autosota.server.config.values import shown

TABLES = (
    "paper",
    "objective",
    "metrics",
    "protocol",
    "controls",
    "transfer",
    "environment",
    "budget",
    "model",
    "autonomy",
)
PAPER = ("title", "source", "claims", "tolerance")
CLAIM = ("metric", "value", "where")
OBJECTIVE = (
    "command",
    "evaluate",
    "metric",
    "select_on",
    "direction",
    "seeds",
    "confirm_seeds",
    "target",
    "outcomes",
    "timeout",
    "guard",
)
GUARD = ("max_increase", "max_increase_abs", "max_decrease", "max_decrease_abs")
METRIC = ("from", "key", "pattern", "unit")
PROTOCOL = ("evaluation", "data", "labels", "frozen")
CONTROLS = ("labels", "inputs", "compute_knob", "chance")
ROWS = ("file", "column")
KNOB = ("flag", "unit")
TRANSFER = ("name", "arguments")
ENVIRONMENT = (
    "sandbox",
    "requirements",
    "python",
    "image",
    "gpus",
    "gpu_fallback",
    "network",
    "memory",
    "disk",
    "caches",
)
BUDGET = ("evaluations", "ideas", "wall", "dollars", "tokens")
AUTONOMY = ("mode",)

SANDBOXES = ("auto", "local", "docker", "ray")
MODES = ("off", "suggest", "autonomous")
PLACEHOLDERS = ("seed", "run_dir")

_PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_METRIC_NAME = re.compile(r"[^\s=\x00-\x1f]+")
_SYMBOL = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST_SEED = 2**32 - 1
_TRANSFER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_RUN_DIR = "{run_dir}/"


@dataclass(frozen=True, slots=True)
class LoadedObjective:
    """An objective, the file it was read from, and what is doubtful about it.

    `start` is what a message about one of its keys begins with, such as `autosota.toml: `.
    """

    objective: Objective
    file: Path
    warnings: tuple[str, ...]
    start: str = "autosota.toml: "


def load_objective(root: Path, file: Path | None = None) -> Objective:
    """The objective of a workspace, or of a file that was named.

    Raises:
        NoObjective: no file was named, and the workspace has none.
        ObjectiveError: it cannot be used; its `problems` are all that was found.
        UserError: the file cannot be read or is no TOML.
    """
    return read_objective(root, file).objective


def read_objective(root: Path, file: Path | None = None) -> LoadedObjective:
    """As `load_objective`, with the file it came from and the warnings.

    Raises:
        UserError: see `load_objective`.
    """
    source = read_source(root, file)
    objective = objective_of(source.table, source.label, source.prefix)
    warnings = source.warnings + tuple(warnings_of(objective))
    return LoadedObjective(objective, source.file, warnings, f"{source.label}: {source.prefix}")


def load_model_settings(root: Path) -> ModelSettings:
    """The `[model]` table of a workspace's objective.

    Raises:
        UserError: there is no objective, or the table cannot be used.
    """
    source = read_source(root)
    return model_settings(source.table, source.label, source.prefix)


def objective_of(table: Mapping[str, Any], label: str, prefix: str = "") -> Objective:
    """The objective that a parsed table describes.

    Raises:
        ObjectiveError: it cannot be used; its `problems` are all that was found.
    """
    problems = Problems(label, prefix)
    top = Section("", table, TABLES, problems)
    main = top.section("objective", OBJECTIVE)
    if not top.has("objective"):
        problems.add("objective", "missing; it says what is run and measured")
        raise ObjectiveError(problems.all())
    command = _command(main, "command", 'such as "python train.py --seed {seed}"')
    evaluate = _command(main, "evaluate", "") if main.has("evaluate") else ""
    metric = _metric_name(main, "metric", "", "the name of the metric that is claimed")
    select_on = _metric_name(main, "select_on", metric, "")
    read_model(top)  # how models are used is no part of what is measured
    protocol = _protocol(top)
    if protocol.labels and not evaluate and not _is_text(main, "evaluate"):
        problems.add(
            "protocol.labels",
            "labels are mounted for objective.evaluate only; set that, or move them to data",
        )
    objective = Objective(
        command=command,
        metric=metric,
        select_on=select_on,
        direction=_direction(main),
        evaluate=evaluate,
        seeds=_seeds(main),
        confirm_seeds=main.integer(
            "confirm_seeds", 10, least=2, what=": one pair says nothing about noise"
        ),
        target=main.number("target"),
        outcomes=_outcomes(main),
        timeout_seconds=main.seconds("timeout", 600.0),
        paper=_paper(top),
        metrics=_metrics(top),
        guards=_guards(main),
        protocol=protocol,
        controls=_controls(top),
        transfers=_transfers(top),
        environment=_environment(top),
        budget=_budget(top),
        autonomy=top.section("autonomy", AUTONOMY).choice(
            "mode", MODES, "suggest", on="autonomous", auto="autonomous", none="off"
        ),
    )
    if problems.all():
        raise ObjectiveError(problems.all())
    return objective


def _is_text(section: Section, key: str) -> bool:
    """Whether something was written there, be it wrong: its own problem is noted already."""
    return isinstance(section.table.get(key), str) and bool(section.table[key].strip())


def _command(section: Section, key: str, example: str) -> str:
    required = f"the command of one experiment, {example}" if example else ""
    text = section.text(key, required=required)
    if not text.strip():
        return ""
    words = _words(section, key, text)
    if words is not None and not any(words[:1]):
        section.add(key, "names no program")
    return text


def _words(section: Section, key: str, text: str) -> list[str] | None:
    """Shell text as words, its placeholders checked; None when it cannot be split."""
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            known = " and ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            section.add(key, f"{{{name}}} is not known; there are {known}")
    try:
        return shlex.split(text)
    except ValueError as error:
        section.add(key, f"cannot be split into words: {str(error).lower()}")
        return None


def _metric_name(section: Section, key: str, default: str, what: str) -> str:
    name = section.text(key, default, required=what)
    if name != default and not _METRIC_NAME.fullmatch(name):
        section.add(key, f"{shown(name)} is not a metric's name; no spaces and no '='")
        return default
    return name


def _direction(section: Section) -> Direction:
    up = dict.fromkeys(("max", "maximise", "higher", "up", "larger", "increase"), "maximize")
    down = dict.fromkeys(("min", "minimise", "lower", "down", "smaller", "decrease"), "minimize")
    return Direction(section.choice("direction", Direction, "maximize", **up, **down))


def _seeds(section: Section) -> tuple[int, ...]:
    default = (0, 1, 2, 3, 4)
    seeds = section.table.get("seeds", list(default))
    if not isinstance(seeds, list) or not all(map(is_integer, seeds)):
        section.add("seeds", f"{shown(seeds)} is not a list of whole numbers, like [0, 1, 2]")
    elif not seeds:
        section.add("seeds", "empty; the baseline needs at least one, better five")
    elif not all(0 <= seed <= _LARGEST_SEED for seed in seeds):
        bad = next(seed for seed in seeds if not 0 <= seed <= _LARGEST_SEED)
        section.add("seeds", f"{bad} is not a seed; libraries take 0 to {_LARGEST_SEED}")
    elif len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        section.add("seeds", f"{twice} is there twice; the same seed says nothing new")
    else:
        return tuple(seeds)
    return default


def _outcomes(section: Section) -> str:
    """The file of per-example outcomes; empty when there is none."""
    file = section.text("outcomes")
    if not file:
        return ""
    if not file.startswith(_RUN_DIR) or not file.lower().endswith(".csv"):
        name = PurePosixPath(file.replace("{run_dir}", "").replace("\\", "/")).stem
        meant = f"{{run_dir}}/{_PLACEHOLDER.sub('', name).strip('-_.') or 'outcomes'}.csv"
        section.add(
            "outcomes",
            f'{shown(file)} is not a CSV file like "{{run_dir}}/outcomes.csv"; let the program '
            f'write one into {{run_dir}} and name it "{meant}"',
        )
    elif found := _PLACEHOLDER.findall(file.removeprefix(_RUN_DIR)):
        section.add(
            "outcomes",
            f"{shown(file)}: {{{found[0]}}} is not filled in here; each run has a {{run_dir}} of "
            "its own, so let the file have one name",
        )
    else:
        section.inside("outcomes", file.removeprefix(_RUN_DIR), root="{run_dir}")
    return file


def _paper(top: Section) -> Paper:
    section = top.section("paper", PAPER)
    written = section.table.get("claims", [])
    if not isinstance(written, list) or not all(isinstance(claim, dict) for claim in written):
        section.add(
            "claims", f'{shown(written)} is not like [{{ metric = "accuracy", value = 0.94 }}]'
        )
        written = []
    claims = []
    for number, table in enumerate(written):
        claim = Section(f"paper.claims[{number}]", table, CLAIM, top.problems)
        name = _metric_name(claim, "metric", "", "the metric it is about")
        value = claim.number("value", required="the number that the paper prints")
        claims.append(PaperClaim(name, value or 0.0, claim.text("where")))
    tolerance = section.number("tolerance")
    if tolerance is not None and tolerance < 0:
        section.add(
            "tolerance",
            f"{shown(section.table['tolerance'])} is negative; write how much worse than the paper "
            "a reproduction may be, such as 0.05 for 5 %",
        )
    return Paper(
        section.text("title"),
        section.text("source"),
        tuple(claims),
        Paper().tolerance if tolerance is None else tolerance,
    )


def _metrics(top: Section) -> dict[str, MetricSource]:
    metrics = {}
    for name, section in top.sections("metrics", METRIC).items():
        if not _METRIC_NAME.fullmatch(name):
            top.add("metrics", f"{shown(name)} is not a metric's name; no spaces and no '='")
        source = section.text("from", "stdout")
        if source != "stdout":
            if not source.startswith("{run_dir}/") or source == "{run_dir}/":
                section.add(
                    "from", f'{shown(source)} is neither "stdout" nor a file like "{{run_dir}}/…"'
                )
            else:
                inner = source.removeprefix("{run_dir}/")
                section.inside("from", inner, root="{run_dir}")
        key, pattern = section.text("key"), section.text("pattern")
        if key and pattern:
            section.add("key", "key and pattern are both set; remove one")
        _check_pattern(section, pattern)
        metrics[name] = MetricSource(name, source, key, pattern, section.text("unit"))
    return metrics


def _check_pattern(section: Section, pattern: str) -> None:
    if not pattern:
        return
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        section.add("pattern", f"{shown(pattern)} is not a regular expression: {error}")
        return
    if "value" not in compiled.groupindex:
        section.add("pattern", f"{shown(pattern)} has no group named value: (?P<value>[0-9.]+)")


def _guards(main: Section) -> tuple[Guard, ...]:
    guards = []
    for name, section in main.sections("guard", GUARD).items():
        limits = {key: section.number(key) for key in GUARD if section.has(key)}
        for key, limit in limits.items():
            if limit is not None and limit < 0:
                section.add(key, f"{shown(section.table[key])} is negative; a limit is 0 or more")
        if not limits:
            main.problems.add(section.path, f"no limit; set one of {', '.join(GUARD)}")
        guards.append(Guard(name, **limits))
    return tuple(guards)


def _protocol(top: Section) -> Protocol:
    section = top.section("protocol", PROTOCOL)
    evaluation = section.texts("evaluation")
    for entry in evaluation:
        path, has_symbol, symbol = entry.partition("::")
        if not path or (has_symbol and not _SYMBOL.fullmatch(symbol)):
            section.add(
                "evaluation", f'{shown(entry)} is not like "file.py" or "file.py::function"'
            )
        else:
            section.inside("evaluation", path)
    for key in ("data", "labels"):
        for glob in section.texts(key):
            section.inside(key, glob)
    frozen = section.table.get("frozen", {})
    if not isinstance(frozen, dict):
        section.add("frozen", f"{shown(frozen)} is not a table; write {{ seq_len = 40 }}")
        frozen = {}
    for name, value in frozen.items():
        if not isinstance(value, str | bool) and not is_number(value):
            section.add(
                "frozen", f"{name} = {shown(value)} is not a string, a number, true or false"
            )
    return Protocol(evaluation, section.texts("data"), section.texts("labels"), dict(frozen))


def _controls(top: Section) -> Controls:
    section = top.section("controls", CONTROLS)
    knob = None
    if section.has("compute_knob"):
        table = section.section("compute_knob", KNOB)
        flag = table.text("flag", required='the flag that sets the compute, such as "--epochs"')
        knob = ComputeKnob(flag, table.text("unit"))
    return Controls(
        labels=_rows(section, "labels", "the file that holds the training labels"),
        inputs=_rows(section, "inputs", "the file that holds the inputs"),
        compute_knob=knob,
        chance=section.number("chance"),
    )


def _rows(section: Section, key: str, what: str) -> RowsControl | None:
    if not section.has(key):
        return None
    table = section.section(key, ROWS)
    file = table.text("file", required=what)
    table.inside("file", file)
    return RowsControl(file, table.text("column"))


def _transfers(top: Section) -> tuple[Transfer, ...]:
    transfers: dict[str, Transfer] = {}
    for section in top.tables("transfer", TRANSFER):
        name = section.text("name", required="what the other setting is called")
        if name and not _TRANSFER_NAME.fullmatch(name):
            section.add(
                "name", f"{shown(name)} is not a name; letters, digits, '.', '_' and '-' are"
            )
        elif name in transfers:
            section.add("name", f"{shown(name)} is there twice; give each transfer its own name")
        arguments = section.text("arguments", required='what is added, such as "--size large"')
        if arguments:
            _words(section, "arguments", arguments)
        if re.search(r"[\r\n]", arguments):
            section.add("arguments", f"{shown(arguments)} has more than one line")
        transfers[name] = Transfer(name, arguments)
    return tuple(transfers.values())


def _environment(top: Section) -> Environment:
    section = top.section("environment", ENVIRONMENT)
    file = ""
    requirements: tuple[str, ...] = ()
    if isinstance(section.table.get("requirements", []), str):
        file = section.text("requirements")
        section.inside("requirements", file)
    else:
        requirements = section.texts("requirements")
    caches = section.texts("caches")
    for name in caches:
        if not _VARIABLE.fullmatch(name):
            section.add("caches", f"{shown(name)} is not the name of an environment variable")
    return Environment(
        sandbox=section.choice("sandbox", SANDBOXES, "auto"),
        requirements=requirements,
        requirements_file=file,
        python=section.text("python"),
        image=section.text("image"),
        gpus=section.integer("gpus", 0, least=0),
        gpu_fallback=section.flag("gpu_fallback", False),
        network=section.flag("network", False),
        memory_bytes=section.bytes("memory", 0),
        disk_bytes=section.bytes("disk", 10 * 2**30),
        caches=caches,
    )


def _budget(top: Section) -> Budget:
    section = top.section("budget", BUDGET)
    limitless = "; leave it out for no limit"
    dollars = section.number("dollars")
    if dollars is not None and dollars <= 0:
        section.add(
            "dollars",
            f"{shown(section.table['dollars'])} must be more than 0{limitless}, "
            f"or use --offline for no model at all",
        )
    tokens = ideas = None
    if section.has("ideas"):
        ideas = section.integer("ideas", 1, least=1, what=limitless)
    if section.has("tokens"):
        tokens = section.integer("tokens", 1, least=1, what=limitless)
    return Budget(
        evaluations=section.integer("evaluations", Budget().evaluations, least=1),
        wall_seconds=section.seconds("wall", Budget().wall_seconds),
        dollars=dollars,
        tokens=tokens,
        ideas=ideas,
    )
