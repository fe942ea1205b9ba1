"""What our editors say beyond LSP: commands with their arguments, and three notifications.

Each command takes one object. Names and types here are the single source: clients are generated
from them. What a command does is `commands`' business.
"""

from __future__ import annotations

import attrs

STATUS = "autosota/status"
"""Sent, when the client says `status` in its options, with what `server.editor.view.Progress`
holds, whenever it changes."""
INDEXED = "autosota/indexed"
"""Sent like `STATUS` once a workspace was indexed: `server.editor.view.Indexed`."""
JOB = "autosota/job"
"""Sent like `STATUS` when a job that was started here ends: `JobEnded`."""


@attrs.frozen
class Root:
    """A workspace. `root` is a folder's path; `''`: the only one that is open."""

    root: str = ""


@attrs.frozen
class Start:
    """Start a campaign. `ideas` of 0 measures the baseline only; -1 sets no limit of its own.

    `confirmed`: the user was asked already.
    """

    root: str = ""
    ideas: int = -1
    confirmed: bool = False


@attrs.frozen
class Stop:
    """Stop the campaign that runs."""

    root: str = ""
    why: str = ""


@attrs.frozen
class SetAutonomy:
    """Choose what may happen unasked: `off`, `suggest` or `autonomous`."""

    mode: str
    root: str = ""
    confirmed: bool = False


@attrs.frozen
class Thing:
    """An idea, a patch, a receipt or a campaign, by its id."""

    id: str
    root: str = ""


@attrs.frozen
class Run:
    """A run, by its id."""

    run: str
    root: str = ""


@attrs.frozen
class AskLog:
    """A run's log from an offset on: 0, or what the answer before said is next."""

    run: str
    offset: int = 0
    root: str = ""


@attrs.frozen
class AskBoard:
    """The views of a workspace; `campaign` of `''` is the newest."""

    root: str = ""
    campaign: str = ""


@attrs.frozen
class Ideas:
    """Ideas of a file."""

    root: str = ""
    path: str = ""
    ids: list[str] = attrs.field(factory=list)


@attrs.frozen
class Reject:
    """Refuse an idea."""

    id: str
    why: str
    root: str = ""


@attrs.frozen
class Suppress:
    """Silence a finding with a reason: what the code action handed to `autosota.askReason`."""

    uri: str
    edits: int
    number: int
    reason: str


@attrs.frozen
class IdeaApplied:
    """An idea's edit was applied: each document with the hash of the text it should have now."""

    id: str
    root: str = ""
    texts: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class JobStarted:
    """The answer of a command that starts a campaign."""

    job: str
    root: str
    pid: int


@attrs.frozen
class JobEnded:
    """A campaign's process has ended. `message` says why when it could not begin."""

    job: str
    root: str
    code: int
    message: str


COMMANDS: dict[str, type] = {
    "autosota.start": Start,
    "autosota.resume": Root,
    "autosota.stop": Stop,
    "autosota.status": Root,
    "autosota.setAutonomy": SetAutonomy,
    "autosota.setUp": Root,
    "autosota.ideas": Root,
    "autosota.showIdeas": Ideas,
    "autosota.show": Thing,
    "autosota.apply": Thing,
    "autosota.reject": Reject,
    "autosota.report": Root,
    "autosota.suppress": Suppress,
    "autosota.ideaApplied": IdeaApplied,
    "autosota.board": AskBoard,
    "autosota.log": AskLog,
    "autosota.series": Run,
    "autosota.patch": Thing,
    "autosota.receipt": Thing,
}
"""Every command of the server, with the type of its one argument."""


@attrs.frozen
class AskReason:
    """Why a finding is suppressed: ask, then call `autosota.suppress` with the reason."""

    uri: str
    edits: int
    number: int
    code: str


@attrs.frozen
class ShowIdeas:
    """Show ideas of a file; these ones."""

    root: str
    path: str
    ids: list[str]


@attrs.frozen
class ShowReceipt:
    """Show the receipt of a run."""

    root: str
    id: str


@attrs.frozen
class ShowCampaign:
    """Show the campaign that runs."""

    root: str


OF_THE_CLIENT: dict[str, type] = {
    "autosota.askReason": AskReason,
    "autosota.view.ideas": ShowIdeas,
    "autosota.view.receipt": ShowReceipt,
    "autosota.view.campaign": ShowCampaign,
}
"""Commands that a client may have, each with the type of its one argument; used only when it
says so in its options (`asksReasons`, `views`)."""
