"""What the doctor says of models: which, where traffic goes, and what a campaign may cost.

Sends nothing: the price is worked out from what would be asked, at the prices of the table.
"""

from __future__ import annotations

import os
from pathlib import Path

from autosota.agents.domain import Boundary, Objective
from autosota.agents.ideator.with_model.proposals import question
from autosota.agents.ideator.with_model.quoting import tokens
from autosota.agents.protocols import Tree
from autosota.server.config import ModelSettings, load_model_settings
from autosota.server.config.model import ROLES
from autosota.server.errors import UserError
from autosota.server.model.client import OVERHEAD_TOKENS
from autosota.server.model.opening import Way, way_to_model
from autosota.server.model.prices import AS_OF, Price, Usage, price_of
from autosota.server.setup.checks import Check, line

USUAL_OUTPUT = 6_000
"""Tokens of a usual answer of the ideator, thinking included."""


def model_checks(root: Path, objective: Objective, tree: Tree) -> list[Check]:
    """Rows about models for one workspace."""
    try:
        settings = load_model_settings(root)
    except UserError as error:
        return [Check("models", "fail", line(error), "correct [model]")]
    way = way_to_model(settings, objective.budget, offline=False, environ=os.environ)
    names = {role: settings.model_of(role) for role in ROLES}
    if len(set(names.values())) == 1:
        which = next(iter(names.values()))
    else:
        which = ", ".join(f"{name} as {role}" for role, name in names.items())
    if way.address is None:
        return [
            Check("models", "ok", f"{which}; not asked"),
            Check("model traffic", "ok", f"none: {way.why}"),
        ]
    return [
        Check("models", "ok", which),
        Check("model traffic", "ok", f"code that may be changed goes to {way.address.shown}"),
        _price(settings, way, objective, tree),
    ]


def _price(settings: ModelSettings, way: Way, objective: Objective, tree: Tree) -> Check:
    name = settings.model_of("ideator")
    own = {
        n: Price(p.input, p.output, p.cache_write, p.cache_read) for n, p in settings.prices.items()
    }
    price = price_of(name, own)
    if price is None and way.local:
        return Check("model price", "ok", f"{name} is on this machine: counted as free")
    if price is None:
        fix = f'name a price in [model.prices."{name}"]'
        if objective.budget.dollars is not None:
            detail = f"not known for {name}, so with budget.dollars it is not asked"
            return Check("model price", "warn", detail, fix)
        return Check("model price", "warn", f"not known for {name}", fix)
    boundary = Boundary(files=objective.protocol.evaluation)
    ask = question(tree, objective, boundary)
    text = "\n".join((ask.instructions, *ask.material, ask.question))
    prompt = tokens(text) + OVERHEAD_TOKENS // 4
    usual = price.micro_dollars(Usage(cache_write=prompt, output=USUAL_OUTPUT)) / 1e6
    most = price.most(len(text.encode()) + OVERHEAD_TOKENS, settings.most_output) / 1e6
    budget = objective.budget.dollars
    bound = "" if budget is None else f", and never more than budget.dollars = {budget:g}"
    detail = (
        f"about ${usual:.2f} for one of at most {settings.sessions} sessions of ideas (some "
        f"{prompt} tokens shown), one request at most ${most:.2f}{bound}; prices of {AS_OF}"
    )
    if budget is not None and budget < usual:
        return Check("model price", "warn", detail, "raise budget.dollars, or name a cheaper model")
    return Check("model price", "ok", detail)
