"""`check`: text in, findings out, in milliseconds, while it is being typed.

A file (script or notebook) is parsed tolerantly, lowered to a small tree, its data flow is
followed with labels (rows, splits, what was learned from which rows, predictions, scores), and
the rules of `agents.rules` that can be seen in one file are asked. No files are read and no
clock is known here; the command and the editor hand in bytes.
"""

from autosota.agents.check.project import Project
from autosota.agents.check.session import Checked, Edit, Session, check
from autosota.agents.check.settings import Settings

__all__ = ["Checked", "Edit", "Project", "Session", "Settings", "check"]
