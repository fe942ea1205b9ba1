"""The reaper, with real containers whose owners were really killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from autosota.server.containers import labels, reaper
from autosota.server.containers.labels import OWNER, SCRATCH, USER, Role
from autosota.server.containers.reaper import PREFIX, private_folder, reap


@pytest.fixture
def made(engine, base_image):
    """Starts containers with labels of the test's choice; removes what is left of them."""
    from docker.errors import NotFound

    ids = []

    def make(changes=(), *, start=True, command=("sleep", "60")):
        told = labels.labels(Role.PROBE) | dict(changes)
        one = engine.client.containers.create(
            base_image, list(command), labels=told, network_mode="none", init=True
        )
        ids.append(one.id)
        if start:
            one.start()
        return one

    yield make
    for name in ids:
        with contextlib.suppress(NotFound):
            engine.client.api.remove_container(name, force=True, v=True)


def there(engine, container) -> bool:
    listed = engine.client.api.containers(all=True, filters={"id": container.id})
    return bool(listed)


def dead_owner() -> str:
    """The owner label of a process that really lived and really ended."""
    code = "from autosota.server.containers.labels import owner; print(owner())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return told.stdout.strip()


OWNED = """
    import sys, time
    from pathlib import Path
    from autosota.server.containers.engine import Engine
    from autosota.server.containers.labels import Role, labels
    from autosota.server.containers.reaper import private_folder

    folder = private_folder(Path(sys.argv[2]))
    (folder / "kernel.json").write_text("secret")
    with Engine.connect() as engine:
        told = labels(Role.KERNEL, scratch=folder)
        one = engine.client.containers.run(
            sys.argv[1], ["sleep", "300"], labels=told, network_mode="none", detach=True
        )
        print(one.id, folder, flush=True)
        time.sleep(300)
"""


def test_what_a_killed_process_owned_goes_and_what_a_live_one_owns_stays(
    engine, base_image, made, tmp_path
):
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNED), base_image, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout is not None
        name, folder = owner.stdout.readline().split()
        mine = made()
        assert reap(engine, tmp_path).containers == ()
        assert Path(folder, "kernel.json").exists()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        done = reap(engine, tmp_path)
        assert done.containers == (name[:12],)
        assert done.folders == (Path(folder),) and not Path(folder).exists()
        assert done.left == ()
        assert there(engine, mine)
        assert not engine.client.api.containers(all=True, filters={"id": name})
        assert "1 containers and 1 folders" in str(done)
        assert "nothing left behind" in str(reap(engine, tmp_path))
    finally:
        owner.kill()
        owner.wait()
        owner.stdout.close()


def test_in_every_state(engine, made, tmp_path):
    gone = {OWNER: dead_owner()}
    paused = made(gone)
    paused.pause()
    all_of_them = [
        made(gone, start=False),
        made(gone),
        paused,
        made(gone, command=("sh", "-c", "trap '' TERM INT; while :; do sleep 1; done")),
    ]
    over = made(gone, command=("true",))
    over.wait(timeout=20)
    all_of_them.append(over)
    done = reap(engine, tmp_path)
    assert set(done.containers) == {c.id[:12] for c in all_of_them}
    assert not any(there(engine, c) for c in all_of_them)


def test_several_reapers_at_once_do_not_trip_over_each_other(engine, made, tmp_path):
    gone = {OWNER: dead_owner()}
    all_of_them = [made(gone, start=False) for _ in range(4)]
    results, errors = [], []

    def one():
        from autosota.server.containers.engine import Engine

        try:
            with Engine.connect() as mine:
                results.append(reap(mine, tmp_path))
        except Exception as error:  # noqa: BLE001 - the test reports it
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == [] and all(r.left == () for r in results)
    assert {c for r in results for c in r.containers} == {c.id[:12] for c in all_of_them}
    assert not any(there(engine, c) for c in all_of_them)


def test_other_users_other_machines_and_strangers_are_left_alone(
    engine, made, tmp_path, monkeypatch
):
    elsewhere = "00000000-0000-0000-0000-000000000000.1:1:1"
    kept = [
        made({OWNER: dead_owner(), USER: str(os.getuid() + 1)}, start=False),
        made({OWNER: elsewhere}),
        made({OWNER: elsewhere}, start=False),
        made({OWNER: "nonsense"}),
    ]
    assert reap(engine, tmp_path).containers == ()
    assert all(there(engine, c) for c in kept)
    # What is over and was made long ago cannot be in use on another machine either.
    monkeypatch.setattr(reaper, "FORGOTTEN_SECONDS", -1.0)
    assert reap(engine, tmp_path).containers == (kept[2].id[:12],)
    assert there(engine, kept[1]) and there(engine, kept[3])


def test_a_label_cannot_name_a_folder_that_is_not_ours(engine, made, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    link = tmp_path / f"{PREFIX}link"
    link.symlink_to(precious, target_is_directory=True)
    (file := tmp_path / f"{PREFIX}file").write_text("kept")
    tricky = f"{tmp_path}/{PREFIX}x/../precious"
    gone = dead_owner()
    for path in (precious, link, file, tricky, "/", "", f"{PREFIX}relative"):
        made({OWNER: gone, SCRATCH: str(path)}, start=False)
    done = reap(engine, tmp_path)
    assert len(done.containers) == 7 and done.folders == ()
    assert precious.is_dir() and link.is_symlink() and file.read_text() == "kept"


def test_folders_are_private_short_and_told_apart(tmp_path, monkeypatch):
    mine = private_folder(tmp_path)
    assert mine.stat().st_mode & 0o777 == 0o700
    assert len(f"/tmp/{mine.name}/kernel-ipc-5") < 80
    boot, pid, start = dead_owner().split(":")
    assert boot == labels.owner().partition(":")[0]
    orphan = tmp_path / f"{PREFIX}{reaper._here()}-{pid}-{start}-ab12"
    other = tmp_path / f"{PREFIX}00000000-{pid}-{start}-ab12"
    odd = tmp_path / f"{PREFIX}mine"
    for folder in (orphan, other, odd):
        folder.mkdir()
        (folder / "deep").mkdir(mode=0o000)
    assert reap(None, tmp_path).folders == (orphan,)
    assert mine.is_dir() and other.is_dir() and odd.is_dir()
    monkeypatch.setattr(reaper, "FORGOTTEN_SECONDS", -1.0)
    assert reap(None, tmp_path).folders == (other,)
    assert mine.is_dir() and odd.is_dir()
    assert reap(None, tmp_path / "missing").folders == ()


def test_a_process_number_that_was_given_out_again_is_not_its_former_owner(engine, made, tmp_path):
    boot, pid, start = labels.owner().split(":")
    former = made({OWNER: f"{boot}:{pid}:{int(start) - 1}"})
    assert reap(engine, tmp_path).containers == (former.id[:12],)
