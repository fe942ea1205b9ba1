"""The one exception that becomes one clear line and exit code 2."""

from __future__ import annotations


class UserError(Exception):
    """Bad input, or a machine that cannot do what was asked.

    The message is one line that names the file, the value and the way out.
    """
