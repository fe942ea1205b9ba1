"""Clients of the language server for these tests (see `wire`)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """Pages of rules and caches go to a folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def finished_campaign(tmp_path_factory):
    """A repository whose campaign ended with a confirmed gain; tests copy it."""
    from tests.server.campaign.conftest import make_repository

    made = make_repository(tmp_path_factory.mktemp("finished") / "repo")
    ran = made.autosota("run", "--json")
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return made
