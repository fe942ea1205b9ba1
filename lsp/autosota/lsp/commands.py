"""Commands: campaigns that are started and stopped, the library, and edits on request.

A command that starts something gives its id at once; what becomes of it is told by
notifications. Nothing is started in a workspace that is not trusted, or without being asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from autosota.lsp import protocol as p
from autosota.lsp import status
from autosota.lsp.asking import ask, refuse, root_for
from autosota.lsp.bar import bar

if TYPE_CHECKING:
    from autosota.lsp.server import Server
    from autosota.server.editor.jobs import Job
    from autosota.server.editor.view import Progress

STOP_SECONDS = 15.0
POLL_SECONDS = 0.2


# ---------------------------------------------------------------------- campaigns


async def start(server: Server, asked: p.Start) -> p.JobStarted:
    """Start a campaign in a process of its own."""
    root = await root_for(server, asked.root)
    progress = await status.update(server, root)
    if progress is not None and progress.state == "running":
        raise refuse(f"campaign {progress.campaign} is running in {root}; stop it first")
    if _starting(server, root):
        raise refuse(f"a campaign is just starting in {root}; stop it first")
    arguments = ["run", "--json", root]
    limit = server.options_for_root(root).budget_evaluations
    if asked.ideas >= 0:
        arguments += ["--ideas", str(asked.ideas)]
    if limit > 0:
        arguments += ["--max-evaluations", str(limit)]
    if not asked.confirmed:
        what = {-1: "a campaign", 0: "the baseline"}.get(asked.ideas, f"{asked.ideas} ideas")
        await _consent(server, root, what)
    return await _job(server, root, arguments)


async def resume(server: Server, asked: p.Root) -> p.JobStarted:
    """Go on with the campaign that was stopped or killed last."""
    root = await root_for(server, asked.root)
    progress = await status.update(server, root)
    if progress is not None and progress.state == "running":
        raise refuse(f"campaign {progress.campaign} is running in {root}: nothing is to be resumed")
    if progress is not None and progress.state == "none":
        raise refuse(progress.note or f"{root}: no campaign to resume; autosota.start begins one")
    return await _job(server, root, ["resume", "--json", root])


async def stop(server: Server, asked: p.Stop) -> dict[str, object]:
    """Stop the campaign that runs; gives what is left of it once everything below has ended."""
    root = await root_for(server, asked.root)
    from autosota.server.editor.jobs import command

    words = ["stop", root, *(["--why", asked.why] if asked.why else [])]
    code, said, _ = await _run(command(*words), root, STOP_SECONDS)
    if code != 0 and await _given_up(server, root):
        code = 0
    progress = await status.update(server, root)
    if code != 0:
        raise refuse(said or f"stopping took more than {STOP_SECONDS:.0f} s")
    return {"stopped": True, "status": asdict(progress) if progress is not None else None}


async def _given_up(server: Server, root: str) -> bool:
    """End a job of ours that has not become a campaign yet; whether there was one, and it ended."""
    job = server.jobs.get(root)
    if job is None or job.ended() is not None:
        return False
    job.end()
    end = asyncio.get_running_loop().time() + STOP_SECONDS
    while job.ended() is None and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(POLL_SECONDS)
    return job.ended() is not None


async def show_status(server: Server, asked: p.Root) -> dict[str, object]:
    """How far the campaign is."""
    root = await root_for(server, asked.root, trusted=False)
    progress = await status.update(server, root)
    return asdict(progress) if progress is not None else {}


async def set_autonomy(server: Server, asked: p.SetAutonomy) -> dict[str, object]:
    """Switch what may happen unasked.

    `autonomous` starts a campaign within the objective's budget when none runs; leaving it stops
    the one that does.
    """
    from autosota.server.editor.questions import SetAutonomy

    root = await root_for(server, asked.root)
    before = await status.update(server, root)
    if asked.mode == "autonomous" and not asked.confirmed:
        await _consent(server, root, "campaigns without asking again")
    progress: Progress = await ask(server, SetAutonomy(root, asked.mode))
    running = (before is not None and before.state == "running") or _starting(server, root)
    was = before.autonomy if before is not None else ""
    if progress.autonomy == "autonomous" and not running:
        limit = server.options_for_root(root).budget_evaluations
        more = ["--max-evaluations", str(limit)] if limit > 0 else []
        await _job(server, root, ["run", "--json", "--new", root, *more])
    elif was == "autonomous" and progress.autonomy != "autonomous" and running:
        try:
            await stop(server, p.Stop(root, "autonomy was switched off"))
        except JsonRpcException:
            now = await status.update(server, root)
            if now is not None and now.state == "running":
                raise  # it did not end; one that had ended by itself is as good
        progress = server.looks.progress.get(root, progress)
    status.tell(server, progress)
    return asdict(progress)


def _starting(server: Server, root: str) -> bool:
    """Whether a job of ours is alive and not a campaign yet; one that ends is none any more."""
    job, then = server.jobs.get(root), server.jobs_began.get(root)
    return job is not None and job.ended() is None and _where(server, root) == then


def _where(server: Server, root: str) -> tuple[str, str]:
    """The campaign, and how it is."""
    progress = server.looks.progress.get(root)
    return (progress.campaign, progress.state) if progress is not None else ("", "none")


# ---------------------------------------------------------------------- set-up and results


async def set_up(server: Server, asked: p.Root) -> dict[str, object]:
    """Propose an objective for the workspace, and show it."""
    from autosota.server.editor.jobs import command

    root = await root_for(server, asked.root)
    async with bar(server, "AutoSOTA: reading the repository") as (_, cancelled):
        code, said, _ = await _run(command("init"), root, 120.0, cancelled)
    if code != 0:
        raise refuse(said)
    path = f"{root}/autosota.toml"
    await _show_document(server, path)
    server.looks.again()
    return {"path": path, "said": said}


async def report(server: Server, asked: p.Root) -> dict[str, object]:
    """Write the report of the newest campaign; gives its path."""
    from autosota.server.editor.jobs import command

    root = await root_for(server, asked.root)
    async with bar(server, "AutoSOTA: writing the report") as (_, cancelled):
        code, said, path = await _run(command("report"), root, 120.0, cancelled)
    if code != 0:
        raise refuse(said)
    return {"said": said, "path": path}


# ---------------------------------------------------------------------- the library


async def ideas(server: Server, asked: p.Root) -> list[Mapping[str, object]]:
    """Every idea of the newest campaign."""
    from autosota.server.editor.questions import Library

    root = await root_for(server, asked.root, trusted=False)
    found: list[Mapping[str, object]] = await ask(server, Library(root))
    return found


async def show_ideas(server: Server, asked: p.Ideas) -> list[dict[str, object]]:
    """Ideas of an open file, with what is known of each; a client without views sees them."""
    from autosota.server.editor.offers import badge, idea_text

    root = await root_for(server, asked.root, trusted=False)
    found = []
    for view in list(server.looks.views.values()):
        if view.root == root and view.path == asked.path:
            chosen = [i for i in view.ideas if not asked.ids or i.id in asked.ids]
            found = [{**asdict(i), "badge": badge(i), "text": idea_text(i)} for i in chosen]
    if not server.client.has_views:
        lines = [f"{i['title']}: {i['badge']}" for i in found]
        _say(server, "\n".join(lines) or "no ideas here")
    return found


async def show(server: Server, asked: p.Thing) -> dict[str, object]:
    """Lines about an idea, a patch, a receipt or a campaign, and its diff."""
    from autosota.server.editor.questions import Show

    root = await root_for(server, asked.root, trusted=False)
    found = await ask(server, Show(root, asked.id))
    if not server.client.has_views:
        _say(server, "\n".join(found.lines))
    return {"lines": list(found.lines), "diff": found.diff}


async def apply(server: Server, asked: p.Thing) -> dict[str, object]:
    """Bring a patch of the ledger into the files on disk."""
    from autosota.server.editor.questions import Apply

    root = await root_for(server, asked.root)
    done = await ask(server, Apply(root, asked.id))
    server.looks.again(root)
    return {
        "patch": done.patch,
        "files": list(done.files),
        "confirmed": done.standing.confirmed,
        "standing": done.standing.line,
        "notes": list(done.standing.notes),
    }


async def reject(server: Server, asked: p.Reject) -> dict[str, object]:
    """Refuse an idea with a reason; the ledger keeps it."""
    from autosota.server.editor.questions import Reject

    root = await root_for(server, asked.root)
    if not asked.why.strip():
        raise refuse("a refusal needs a reason")
    done = await ask(server, Reject(root, asked.id, asked.why))
    server.looks.again(root)
    return {"id": done}


# ---------------------------------------------------------------------- edits


async def suppress(server: Server, asked: p.Suppress) -> dict[str, object]:
    """Silence a finding with the reason that the user gave."""
    from autosota.lsp.changing import Note, workspace_edit
    from autosota.lsp.code_actions import written

    page = server.pages.get(asked.uri)
    if page is None or page.fresh is None or page.edits != asked.edits:
        raise JsonRpcException("the text has changed since this was offered", -32801)
    if not asked.reason.strip():
        raise refuse("a suppression needs a reason")
    found = await written(server, page, "suppress", asked.number, asked.reason)
    edit = workspace_edit(found, server.client, Note("Suppress, with a reason"))
    done = await server.workspace_apply_edit_async(
        types.ApplyWorkspaceEditParams(edit, label="Suppress, with a reason")
    )
    if not done.applied:
        raise refuse(done.failure_reason or "the editor did not apply it")
    return {"applied": True}


async def idea_applied(server: Server, asked: p.IdeaApplied) -> dict[str, object]:
    """Read the documents again after an idea's edit: they must be what was drafted."""
    wrong = []
    for uri, wanted in asked.texts.items():
        document = server.pages.document(uri)
        if document is not None and text_hash(document.source) != wanted:
            wrong.append(uri)
    if wrong:
        text = f"{asked.id} did not arrive as it was drafted in {', '.join(wrong)}; undo it"
        server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, text))
    return {"as_drafted": not wrong}


def text_hash(text: str) -> str:
    """The hash that says whether a text is the one that was drafted; line ends do not count."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


# ---------------------------------------------------------------------- inside


async def _consent(server: Server, root: str, what: str) -> None:
    """Ask the user before anything is spent.

    Raises:
        JsonRpcException: they do not want it.
    """
    yes, no = types.MessageActionItem("Start"), types.MessageActionItem("Cancel")
    progress = server.looks.progress.get(root)
    spends = progress.may_spend if progress is not None else ""
    limit = server.options_for_root(root).budget_evaluations
    text = f"Run {what} in {root}? It spends at most {spends or 'the budget of the objective'}"
    text += f", and here at most {limit} runs." if limit > 0 else "."
    answer = await server.window_show_message_request_async(
        types.ShowMessageRequestParams(types.MessageType.Info, text, [yes, no])
    )
    if answer is None or answer.title != yes.title:
        raise refuse("not started")


async def _job(server: Server, root: str, arguments: list[str]) -> p.JobStarted:
    from autosota.server.editor.jobs import start as start_job
    from autosota.server.errors import UserError

    try:
        job = await server.archive.run(start_job, _path(root), *arguments)
    except UserError as error:
        raise refuse(str(error)) from None
    server.jobs[root], server.jobs_began[root] = job, _where(server, root)
    server.background(_watch(server, job))
    return p.JobStarted(job.id, root, job.pid)


async def _watch(server: Server, job: Job) -> None:
    """Tell when a job has ended, and why when it could not begin."""
    while (code := job.ended()) is None:
        await asyncio.sleep(POLL_SECONDS)
    root = str(job.root)
    words = await server.archive.run(job.last_words) if code not in (0, 1) else ""
    ended = p.JobEnded(job.id, root, code, words)
    if server.client.wants_status:
        server.protocol.notify(p.JOB, ended)
    elif code not in (0, 1):
        _say(server, f"the campaign ended with {code}: {words}", types.MessageType.Error)
    await status.update(server, root)


async def _run(
    command: list[str], root: str, seconds: float, cancelled: Callable[[], bool] = lambda: False
) -> tuple[int, str, str]:
    """A command's exit code (-1: it was not waited for), its words, and what it printed.

    Its words are those on stderr, else what it printed.
    """
    if not os.path.isdir(root):
        return 2, f"{root}: no such folder", ""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=root,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    reading = asyncio.ensure_future(process.communicate())
    end = asyncio.get_running_loop().time() + seconds
    try:
        while not reading.done():
            await asyncio.wait([reading], timeout=POLL_SECONDS)
            if cancelled() or asyncio.get_running_loop().time() > end:
                why = "cancelled" if cancelled() else f"it took more than {seconds:.0f} s"
                return -1, why, ""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    out, err = reading.result()
    printed = out.decode("utf-8", "replace").strip()
    said = err.decode("utf-8", "replace").strip() or printed
    assert process.returncode is not None
    return process.returncode, said.removeprefix("autosota: "), printed


async def _show_document(server: Server, path: str) -> None:
    from pygls.uris import from_fs_path

    uri = from_fs_path(path)
    if uri is not None and server.client.shows_documents:
        await server.window_show_document_async(types.ShowDocumentParams(uri, take_focus=True))


def _say(server: Server, text: str, kind: types.MessageType = types.MessageType.Info) -> None:
    server.window_show_message(types.ShowMessageParams(kind, text))


def _path(root: str) -> Any:
    from pathlib import Path

    return Path(root)
