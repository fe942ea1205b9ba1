"""Files, or one text, checked under the settings that govern them; known results are not redone.

How a file is found, cached, guarded or shown is its neighbours' to know.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from autosota.agents.domain import Finding
from autosota.server.check.cache import Cache, engine_version
from autosota.server.check.files import Source, find, shown_as
from autosota.server.check.result import Result
from autosota.server.check.settings import CheckSettings, Options, load
from autosota.server.check.site import Site, site_of
from autosota.server.check.source_text import Texts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check of many files gave.

    Attributes:
        findings: In the order of the files, then of their lines.
        suppressed: The findings that comments suppressed.
        files: How many files were checked.
        unread: The files that could not be read.
        fails: Whether a finding is severe enough for exit code 1.
        notes: What of the settings could not be used, one line each.
        texts: The files' lines.
    """

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    files: int = 0
    unread: tuple[str, ...] = ()
    fails: bool = False
    notes: tuple[str, ...] = ()
    texts: Texts = field(default_factory=Texts, compare=False)


def check_paths(
    paths: Sequence[str],
    options: Options | None = None,
    *,
    cached: bool = True,
    processes: int = 0,
) -> Outcome:
    """Check files and folders; the result does not depend on the cache or the processes.

    Args:
        paths: Files and folders.
        options: What the command line says.
        cached: Whether results of before may be used and kept.
        processes: How many; 0 for one per core.

    Raises:
        UserError: a path or a setting that cannot be used.
    """
    known: dict[Site, CheckSettings] = {}

    def settings_of(site: Site) -> CheckSettings:
        if site not in known:
            known[site] = load(site, options or Options())
        return known[site]

    sources = find(paths, lambda site: settings_of(site).exclude)
    by_site: dict[Site, list[Source]] = defaultdict(list)
    for source in sources:
        by_site[source.site].append(source)
    engine = engine_version() if cached else ""
    results: dict[str, Result] = {}
    for site, members in by_site.items():
        settings = settings_of(site)
        cache = Cache(site.root, settings.key, engine) if cached else None
        names = {s.name: s for s in members if not s.problem}
        held = cache.get(names) if cache is not None else {}
        results |= {names[name].path: result for name, result in held.items()}
        todo = [(name, source) for name, source in names.items() if name not in held]
        broken = [s for s in members if s.problem]
        if todo or broken:
            from autosota.server.check import workers

            jobs = [(site.root, name) for name, _ in todo]
            rules = {site.root: settings.rules}
            fresh = list(workers.check_all(jobs, rules, processes))
            results |= {s.path: r for (_, s), r in zip(todo, fresh, strict=True)}
            for s in broken:
                results[s.path] = workers.unread(s.name, s.problem, settings.rules)
            if cache is not None:
                cache.put((name, r) for (name, _), r in zip(todo, fresh, strict=True))
    return _outcome(sources, results, settings_of)


def check_text(shown: str, content: bytes, options: Options | None = None) -> Outcome:
    """Check text that is in no file (an editor's buffer), under the name it would have.

    Raises:
        UserError: a setting that cannot be used.
    """
    from autosota.server.check import workers
    from autosota.server.check.project import DiskProject

    full = os.path.abspath(shown)
    folder = os.path.dirname(full)
    while not os.path.isdir(folder):  # a file that is not saved yet, in a folder that is not made
        folder = os.path.dirname(folder)
    source = Source(full, shown, site_of(os.path.realpath(folder)))
    settings = load(source.site, options)
    result = workers.guarded(source.name, content, settings.rules, DiskProject(source.site.root))
    return _outcome([source], {full: result}, lambda site: settings, {shown: content})


def _outcome(
    sources: Sequence[Source],
    results: dict[str, Result],
    settings_of: Callable[[Site], CheckSettings],
    contents: dict[str, bytes] | None = None,
) -> Outcome:
    findings: list[Finding] = []
    suppressed: list[Finding] = []
    unread: list[str] = []
    notes: list[str] = []
    fails = False
    for source in sources:
        settings = settings_of(source.site)
        result = results[source.path]
        notes += settings.notes
        if result.unread:
            unread.append(source.shown)
        for finding in result.findings:
            if settings.reports(source.path, finding.code):
                findings.append(_as_shown(finding, source))
                fails = fails or settings.fails(finding.severity)
        suppressed += [_as_shown(f, source) for f in result.suppressed]
    return Outcome(
        tuple(findings),
        tuple(suppressed),
        len(sources),
        tuple(unread),
        fails,
        tuple(dict.fromkeys(notes)),
        Texts(contents or {}),
    )


def _as_shown(finding: Finding, source: Source) -> Finding:
    """The finding with paths as a person would write them here."""
    own = source.name

    def name(path: str) -> str:
        if path == own:
            return source.shown
        full = os.path.join(source.site.root, path)
        return shown_as(full) if os.path.isabs(source.shown) else os.path.relpath(full)

    return replace(
        finding,
        message=finding.message.removeprefix(f"{own}: "),
        place=replace(finding.place, path=name(finding.place.path)),
        related=tuple(replace(r, path=name(r.path)) for r in finding.related),
    )
