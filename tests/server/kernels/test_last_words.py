"""What a kernel that was killed cannot say itself."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import zmq
from jupyter_client.session import Session

from autosota.server.containers.walls import User
from autosota.server.kernels import wire
from autosota.server.kernels.last_words import LastWords
from autosota.server.kernels.wire import Meeting


class Speaker:
    """The output channel of a kernel, and a client that listens to it."""

    def __init__(self, encrypt: bool) -> None:
        self.meeting = Meeting()
        me = (os.getuid(), os.getgid())
        self.meeting.open(User(*me, me))
        self.wire = wire.ipc(self.meeting, b"secret", "hmac-sha256", encrypt=encrypt)
        self.session = Session(key=b"secret")
        self.context = zmq.Context()
        self.address = f"ipc://{self.wire.ip}-{self.wire.ports[1]}"
        self.channel = self.context.socket(zmq.XPUB)
        self.client = self.context.socket(zmq.SUB)
        if self.wire.curve is not None:
            for socket in (self.channel, self.client):
                socket.curve_publickey, socket.curve_secretkey = self.wire.curve
            self.channel.curve_server = True
            self.client.curve_serverkey = self.wire.curve[0]
        self.channel.bind(self.address)
        self.client.connect(self.address)
        self.client.subscribe(b"")

    def announce(self, kind: str, content: dict, request: dict) -> None:
        message = self.session.msg(kind, content=content, parent=request)
        self.channel.send_multipart(
            self.session.serialize(message, ident=f"kernel.1.{kind}".encode())
        )

    def die(self) -> None:
        self.channel.close(linger=0)

    def say(self, words: LastWords, line: str) -> int:
        """Said in another thread, as a client comes back only while it listens."""
        with ThreadPoolExecutor(1) as thread:
            said = thread.submit(words.say, line)
            while not said.done():
                self.client.poll(10)
            return said.result()

    def heard(self, seconds: float) -> list[dict]:
        out = []
        while self.client.poll(int(seconds * 1000)):
            _, frames = self.session.feed_identities(self.client.recv_multipart())
            out.append(self.session.deserialize(frames))
        return out

    def close(self) -> None:
        self.context.destroy(linger=0)
        self.meeting.close()


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
def speaker(request):
    made = Speaker(request.param)
    yield made
    made.close()


def listening(speaker: Speaker) -> LastWords:
    words = LastWords(speaker.wire)
    for _ in range(2):  # the client's subscription, and ours
        assert speaker.channel.poll(5000)
        speaker.channel.recv()
    return words


def noted(words: LastWords, want: bool) -> None:
    deadline = time.monotonic() + 5
    while bool(words._running) != want:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_line_comes_below_the_cell_that_was_running(speaker: Speaker):
    words = listening(speaker)
    first, second = (speaker.session.msg("execute_request") for _ in range(2))
    speaker.announce("execute_input", {"code": "1"}, first)
    speaker.announce("status", {"execution_state": "idle"}, first)
    speaker.announce("execute_input", {"code": "2"}, second)
    noted(words, True)
    speaker.heard(0.1)
    speaker.die()
    assert speaker.say(words, "the kernel ran out of memory") == 1
    (told,) = speaker.heard(0.5)
    assert told["msg_type"] == "stream"
    assert told["content"] == {"name": "stderr", "text": "the kernel ran out of memory\n"}
    assert told["parent_header"]["msg_id"] == second["header"]["msg_id"]


def test_between_cells_the_line_belongs_to_none(speaker: Speaker):
    words = listening(speaker)
    request = speaker.session.msg("execute_request")
    speaker.announce("execute_input", {"code": "1"}, request)
    noted(words, True)
    speaker.announce("status", {"execution_state": "idle"}, request)
    noted(words, False)
    speaker.heard(0.1)
    speaker.die()
    assert speaker.say(words, "the kernel was killed") == 1
    (told,) = speaker.heard(0.5)
    assert told["parent_header"] == {}


def test_without_clients_nobody_waits_for_long(speaker: Speaker):
    words = listening(speaker)
    speaker.client.close(linger=0)
    speaker.die()
    began = time.monotonic()
    assert words.say("the kernel was killed") == 0
    assert time.monotonic() - began < 2


def test_outputs_do_not_come_by(speaker: Speaker):
    """Ten megabytes of output must not be sent twice: only the kernel's own topics are wanted."""
    assert speaker.channel.poll(5000) and speaker.channel.recv() == b"\x01", "the client's: all"
    words = LastWords(speaker.wire)
    assert speaker.channel.poll(5000) and speaker.channel.recv() == b"\x01kernel."
    words.close()
    words.close()
    assert not words._thread.is_alive()
