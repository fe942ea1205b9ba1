"""FALLBACK"""
from __future__ import annotations
from autosota.agents.domain import *
from autosota.agents.supervisor.boundary import draw_boundary
def audit(base, candidate, objective, boundary=None):
    boundary = boundary or draw_boundary(base, objective)
    changed=[p for p in sorted(set(base.files())|set(candidate.files())) if (base.read(p) if p in base.files() else None)!=(candidate.read(p) if p in candidate.files() else None)]
    bad=[p for p in changed if p in boundary.files]
    f=tuple(Finding("EV201","evaluation code modified",Severity.BLOCK,"R2",Place(p,1),"protected file changed") for p in bad)
    return Verdict(Decision.REJECTED if bad else Decision.CLEARED,f,tuple(ChangedSymbol(p,p,Side.MODEL) for p in changed))
