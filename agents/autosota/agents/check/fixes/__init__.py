"""Edits that make a finding go away for its reason, and comments that silence it with one.

Pure: a document and a finding in, edits of its bytes out. A fix is offered only where its result
is what the rule's page asks for; where a person has to choose (how many rows to hold out), it is
not `safe` and nothing applies it unasked. Whether it is applied is not known here.
"""

from autosota.agents.check.fixes.apply import apply
from autosota.agents.check.fixes.catalogue import fixes
from autosota.agents.check.fixes.fix import Fix, Refused
from autosota.agents.check.fixes.sheet import Sheet
from autosota.agents.check.fixes.suppression import suppress

__all__ = ["Fix", "Refused", "Sheet", "apply", "fixes", "suppress"]
