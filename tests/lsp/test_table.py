"""The table of methods and commands is complete and true."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import attrs
import pytest
from wire import wire

from autosota.lsp import code_actions, protocol
from autosota.lsp.options import Options
from autosota.lsp.table import COMMANDS, IF_PULLED, LATER, METHODS, When, find

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("method", [*METHODS, *IF_PULLED], ids=lambda m: m.name)
def test_who_answers_is_there_and_scheduled_as_said(method):
    assert asyncio.iscoroutinefunction(find(method.handler)) is (method.when is When.TASK)


def test_every_command_has_a_task_and_a_type():
    assert COMMANDS.keys() == protocol.COMMANDS.keys()
    for name, handler in COMMANDS.items():
        assert asyncio.iscoroutinefunction(find(handler)), name
        assert attrs.has(protocol.COMMANDS[name]), name


def test_what_is_loaded_later_is_all_that_the_table_names():
    named = {m.handler.partition(".")[0] for m in [*METHODS, *IF_PULLED]} | {"commands"}
    assert named <= {*LATER, "life", "sync"}


def test_the_server_says_all_its_commands_and_kinds():
    with wire() as client:
        can = client.initialize()["capabilities"]
        assert set(can["executeCommandProvider"]["commands"]) == set(COMMANDS)
        assert set(can["codeActionProvider"]["codeActionKinds"]) == {
            code_actions.FIX, code_actions.SUPPRESS, code_actions.FIX_ALL, code_actions.IDEA,
        }  # fmt: skip
        assert not set(protocol.OF_THE_CLIENT) & set(COMMANDS)


def test_the_page_for_editors_names_every_option_and_command():
    text = (ROOT / "docs" / "editors.md").read_text()
    for name in COMMANDS:
        assert f"`{name}`" in text, name
    for field in Options.__dataclass_fields__:
        camel = re.sub(r"_(\w)", lambda m: m.group(1).upper(), field)
        assert f"`autosota.{camel}" in text, camel
