"""The client's protocol is the server's: what is committed is what would be written."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from write_client_protocol import PAGE, ROOT, text

from autosota.lsp import answers, protocol


def test_the_committed_file_is_current():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == text(), "run make client-protocol"


def test_every_command_has_an_answer_of_its_own_type():
    assert answers.ANSWERS.keys() == protocol.COMMANDS.keys()
    for name in protocol.COMMANDS:
        assert f'  "{name}": {{ argument: ' in text(), name


def test_the_file_names_no_place_of_a_machine():
    assert "/home/" not in text() and "\\Users" not in text()
