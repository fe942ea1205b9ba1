"""The objective: `autosota.toml`, or `[tool.autosota]` of pyproject.toml, typed and checked.

`files` finds and parses, `objective` types, `checks` warns, `digest` hashes, `template`
writes a proposal. What an objective is for is not known here.
"""

from autosota.server.config.checks import warnings_of
from autosota.server.config.digest import objective_hash
from autosota.server.config.files import NoObjective, objective_file
from autosota.server.config.model import ModelSettings
from autosota.server.config.objective import (
    LoadedObjective,
    load_model_settings,
    load_objective,
    objective_of,
    read_objective,
)
from autosota.server.config.section import ObjectiveError
from autosota.server.config.template import Proposal, template
from autosota.server.config.values import parse_duration, parse_size

__all__ = [
    "LoadedObjective",
    "ModelSettings",
    "NoObjective",
    "ObjectiveError",
    "Proposal",
    "load_model_settings",
    "load_objective",
    "objective_file",
    "objective_hash",
    "objective_of",
    "parse_duration",
    "parse_size",
    "read_objective",
    "template",
    "warnings_of",
]
