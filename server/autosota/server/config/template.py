"""The text of a proposed `autosota.toml`, with where each value came from behind it.

What is proposed is the caller's; loading the text gives the proposed objective back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from autosota.agents.domain import (
    Environment,
    Objective,
    Paper,
    PaperClaim,
    RowsControl,
)
from autosota.server.config.values import (
    duration_text,
    size_text,
    toml_key,
    toml_text,
    toml_value,
)

DEFAULT = "default"
"""The origin of a value that nobody proposed."""

_TITLES = {
    "paper": "The paper behind this repository",
    "objective": "What is run, what is measured, and what search may look at",
    "protocol": "What no candidate may change",
    "controls": "Negative controls; without them the report says so and caps the claim",
    "[transfer]": "Another setting in which a confirmed gain is tried",
    "environment": "What a run needs around it",
    "budget": "What a campaign may spend",
    "autonomy": (
        "What an editor may do by itself; autosota run is consent within the budget in every mode\n"
        "  off         it only warns\n"
        "  suggest     it proposes, and runs nothing without a click\n"
        "  autonomous  it runs the campaign, and proposes what survives"
    ),
}

_EXAMPLES = {
    "paper.claims": (
        '[{{ metric = "{metric}", value = 0.9, where = "Table 1" }}]',
        "the paper's number, which the baseline must reproduce",
    ),
    "objective.outcomes": (
        '"{{run_dir}}/outcomes.csv"',
        "a file with columns id and value, one row per test example: "
        "then intervals cover the test set's sampling, too",
    ),
    "protocol.evaluation": (
        '["evaluate.py", "train.py::evaluate"]',
        "files, or functions in them, that compute the metric",
    ),
    "protocol.data": (
        '["data/**"]',
        "read-only in every run, and hashed; also when git ignores it",
    ),
    "controls.labels": (
        '{{ file = "data/train.csv", column = "y" }}',
        "training labels to permute: the claim must then fall to chance",
    ),
    "controls.inputs": (
        '{{ file = "data/test.csv" }}',
        "inputs to permute: .csv, .tsv, .npy or .txt",
    ),
    "controls.compute_knob": (
        '{{ flag = "--epochs", unit = "epochs" }}',
        "the flag that gives the baseline as much compute as a candidate",
    ),
    "controls.chance": ("0.5", "the claim of a model that learned nothing"),
    "budget.ideas": ("30", "at most so many ideas"),
}
"""What an optional key looks like, shown as a comment where it is not set."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An objective to be confirmed by the user, and why it is as it is.

    `origins` maps dotted keys as in the file (`objective.command`, `metrics.acc.key`,
    `protocol.data`, `paper.claims[0]`) to where the value came from. `notes` are lines for the
    top of the file, for what could not be found.
    """

    objective: Objective
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A key and its TOML value; None: nothing to write. `always`: also when it is a default."""

    key: str
    value: str | None
    default: str | None = None
    always: bool = False


def template(proposal: Proposal) -> str:
    """The text of an `autosota.toml` for a proposal; loading it gives the objective back."""
    lines = [
        "# The objective of this repository, proposed by `autosota init`. It is yours: read it,",
        "# change it, and keep it under version control. Behind each value: where it is from.",
    ]
    lines += [f"# {_comment(note)}" for note in proposal.notes]
    for table, entries in _tables(proposal.objective):
        written = [text for entry in entries for text in _written(table, entry, proposal)]
        if written:
            title = [f"# {line}" for line in _TITLES.get(table, "").splitlines()]
            lines += ["", *title, f"[{table}]", *written]
    return "\n".join(lines) + "\n"


def _written(table: str, entry: _Line, proposal: Proposal) -> Iterator[str]:
    origin = proposal.origins.get(f"{table}.{entry.key}")
    if entry.value is None:
        if origin is not None:
            yield f"# {entry.key} is not set: {_comment(origin)}"
        yield from _example(table, entry.key, proposal)
        return
    if entry.value == entry.default and origin is None and not entry.always:
        yield from _example(table, entry.key, proposal)
        return
    if origin is None:
        origin = DEFAULT if entry.value == entry.default else ""
    if entry.key == "claims" and table == "paper":
        yield from _claims(proposal)
        return
    yield f"{entry.key} = {entry.value}" + (f"  # {_comment(origin)}" if origin else "")


def _example(table: str, key: str, proposal: Proposal) -> Iterator[str]:
    shown = _EXAMPLES.get(f"{table}.{key}")
    if shown is not None:
        metric = proposal.objective.metric.replace("\\", "\\\\").replace('"', '\\"')
        yield f"# {key} = {shown[0].format(metric=metric)}  # {shown[1]}"


def _tables(objective: Objective) -> Iterator[tuple[str, list[_Line]]]:
    paper, protocol, budget = objective.paper, objective.protocol, objective.budget
    plain = Objective("", "", "")
    yield (
        "paper",
        [
            _Line("title", toml_text(paper.title), '""'),
            _Line("source", toml_text(paper.source), '""'),
            _Line("claims", "[…]" if paper.claims else "[]", "[]"),
            _Line("tolerance", toml_value(paper.tolerance), toml_value(Paper().tolerance)),
        ],
    )
    yield (
        "objective",
        [
            _Line("command", toml_text(objective.command)),
            _Line("evaluate", toml_text(objective.evaluate), '""'),
            _Line("metric", toml_text(objective.metric)),
            _Line("select_on", toml_text(objective.select_on)),
            _Line("direction", toml_text(objective.direction), '"maximize"', always=True),
            _Line("seeds", _list(objective.seeds), _list(plain.seeds), always=True),
            _Line("confirm_seeds", str(objective.confirm_seeds), "10", always=True),
            _Line("target", None if objective.target is None else toml_value(objective.target)),
            _Line("outcomes", toml_text(objective.outcomes), '""'),
            _Line("timeout", duration_text(objective.timeout_seconds), '"10m"', always=True),
        ],
    )
    for guard in objective.guards:
        limits = {
            "max_increase": guard.max_increase,
            "max_increase_abs": guard.max_increase_abs,
            "max_decrease": guard.max_decrease,
            "max_decrease_abs": guard.max_decrease_abs,
        }
        yield (
            f"objective.guard.{toml_key(guard.name)}",
            [_Line(key, toml_value(limit)) for key, limit in limits.items() if limit is not None],
        )
    for name, metric in objective.metrics.items():
        yield (
            f"metrics.{toml_key(name)}",
            [
                _Line("from", toml_text(metric.source), '"stdout"', always=True),
                _Line("key", toml_text(metric.key), '""'),
                _Line("pattern", toml_text(metric.pattern), '""'),
                _Line("unit", toml_text(metric.unit), '""'),
            ],
        )
    yield (
        "protocol",
        [
            _Line("evaluation", _list(protocol.evaluation), "[]"),
            _Line("data", _list(protocol.data), "[]"),
            _Line("labels", _list(protocol.labels), "[]"),
            _Line("frozen", _inline(protocol.frozen), "{}"),
        ],
    )
    yield "controls", _controls(objective)
    for transfer in objective.transfers:
        yield (
            "[transfer]",
            [
                _Line("name", toml_text(transfer.name)),
                _Line("arguments", toml_text(transfer.arguments)),
            ],
        )
    yield "environment", _environment(objective.environment)
    yield (
        "budget",
        [
            _Line("evaluations", str(budget.evaluations), "100", always=True),
            _Line("ideas", None if budget.ideas is None else str(budget.ideas)),
            _Line("wall", duration_text(budget.wall_seconds), '"2h"', always=True),
            _Line("dollars", None if budget.dollars is None else toml_value(budget.dollars)),
            _Line("tokens", None if budget.tokens is None else toml_value(budget.tokens)),
        ],
    )
    yield "autonomy", [_Line("mode", toml_text(objective.autonomy), '"suggest"', always=True)]


def _controls(objective: Objective) -> list[_Line]:
    controls = objective.controls
    knob = controls.compute_knob
    unit = {"unit": knob.unit} if knob and knob.unit else {}
    return [
        _Line("labels", _rows(controls.labels)),
        _Line("inputs", _rows(controls.inputs)),
        _Line("compute_knob", _inline({"flag": knob.flag, **unit}) if knob else None),
        _Line("chance", None if controls.chance is None else toml_value(controls.chance)),
    ]


def _rows(control: RowsControl | None) -> str | None:
    if control is None:
        return None
    column = {"column": control.column} if control.column else {}
    return _inline({"file": control.file, **column})


def _environment(environment: Environment) -> list[_Line]:
    requirements = (
        toml_text(environment.requirements_file)
        if environment.requirements_file
        else _list(environment.requirements)
    )
    return [
        _Line("sandbox", toml_text(environment.sandbox), '"auto"'),
        _Line("requirements", requirements, "[]"),
        _Line("python", toml_text(environment.python), '""'),
        _Line("image", toml_text(environment.image), '""'),
        _Line("gpus", str(environment.gpus), "0"),
        _Line("gpu_fallback", toml_value(environment.gpu_fallback), "false"),
        _Line("network", toml_value(environment.network), "false"),
        _Line("memory", size_text(environment.memory_bytes), "0"),
        _Line("disk", size_text(environment.disk_bytes), '"10GiB"'),
        _Line("caches", _list(environment.caches), "[]"),
    ]


def _claims(proposal: Proposal) -> Iterator[str]:
    whole = proposal.origins.get("paper.claims")
    yield "claims = [" + (f"  # {_comment(whole)}" if whole else "")
    for number, claim in enumerate(proposal.objective.paper.claims):
        origin = proposal.origins.get(f"paper.claims[{number}]")
        yield f"  {_claim(claim)}," + (f"  # {_comment(origin)}" if origin else "")
    yield "]"


def _claim(claim: PaperClaim) -> str:
    where = {"where": claim.where} if claim.where else {}
    return _inline({"metric": claim.metric, "value": claim.value, **where})


def _list(values: tuple[str, ...] | tuple[int, ...]) -> str:
    return "[" + ", ".join(toml_value(value) for value in values) + "]"


def _inline(table: Mapping[str, str | int | float | bool]) -> str:
    if not table:
        return "{}"
    inner = ", ".join(f"{toml_key(key)} = {toml_value(value)}" for key, value in table.items())
    return f"{{ {inner} }}"


def _comment(text: str) -> str:
    """A comment may hold no control characters, and must stay on its line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
