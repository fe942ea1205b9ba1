"""The hash of an objective: equal when two objectives give the same numbers and verdicts.

The paper, its tolerance, units, the budget and the mode are not in it; how the file is
written neither.
"""

from __future__ import annotations

import hashlib
import json

from autosota.agents.domain import Objective, RowsControl

_VERSION = 2
"""Raised when what is hashed changes, so that old receipts are not taken for new ones."""


def objective_hash(objective: Objective) -> str:
    """The hexadecimal SHA-256 of what matters for the result."""
    protocol, environment, controls = (
        objective.protocol,
        objective.environment,
        objective.controls,
    )
    what = {
        "version": _VERSION,
        "command": objective.command,
        "evaluate": objective.evaluate,
        "metric": objective.metric,
        "select_on": objective.select_on,
        "direction": objective.direction,
        "seeds": sorted(objective.seeds),
        "confirm_seeds": objective.confirm_seeds,
        "target": objective.target,
        "outcomes": objective.outcomes,
        "timeout": float(objective.timeout_seconds),
        "metrics": {
            name: [metric.source, metric.key, metric.pattern]
            for name, metric in objective.metrics.items()
        },
        "guards": {
            guard.name: [
                guard.max_increase,
                guard.max_increase_abs,
                guard.max_decrease,
                guard.max_decrease_abs,
            ]
            for guard in objective.guards
        },
        "evaluation": sorted(set(protocol.evaluation)),
        "data": sorted(set(protocol.data)),
        "labels": sorted(set(protocol.labels)),
        "frozen": dict(protocol.frozen),
        "label_control": _rows(controls.labels),
        "input_control": _rows(controls.inputs),
        "compute_knob": controls.compute_knob.flag if controls.compute_knob else None,
        "chance": controls.chance,
        "transfers": {transfer.name: transfer.arguments for transfer in objective.transfers},
        "requirements": sorted(set(environment.requirements)),
        "requirements_file": environment.requirements_file,
        "python": environment.python,
        "image": environment.image,
        "gpus": environment.gpus,
        "network": environment.network,
        "memory": environment.memory_bytes,
        "disk": environment.disk_bytes,
        "caches": sorted(set(environment.caches)),
    }
    if environment.gpu_fallback:  # the hash of objectives from before it existed stays theirs
        what["gpu_fallback"] = True
    text = json.dumps(what, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(control: RowsControl | None) -> list[str] | None:
    return [control.file, control.column] if control else None
