"""Images: built once, used again, gone without a trace when they fail, and collected."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.server.containers.conftest import tiny_image

from autosota.server.containers import base as bases
from autosota.server.containers import images, retention
from autosota.server.containers.engine import Engine
from autosota.server.containers.images import Image, Making, Recipe
from autosota.server.containers.labels import ROLE, Role, owner
from autosota.server.containers.reaper import private_folder
from autosota.server.errors import UserError
from autosota.server.sandbox.launch import Stop
from autosota.server.sandbox.requirements import Requirements


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """The user's variables, with a cache of the test's own."""
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def word() -> str:
    """Makes a recipe one that nobody has built."""
    return secrets.token_hex(4)


@pytest.fixture
def clean(engine: Engine) -> Iterator[list[str]]:
    """Ids of images to remove afterwards."""
    made: list[str] = []
    yield made
    for image in made:
        retention.remove(engine, image)


def recipe(base: str, word: str, *lines: str) -> Recipe:
    text = "\n".join((f"# {word}", *lines)) + "\n"
    return Recipe("run", base, Requirements("requirements.txt", {"requirements.txt": text}))


def bare(base: str, word: str) -> Recipe:
    """No packages: the shortest build there is."""
    return Recipe(word, base, Requirements(files={}))


def inside(engine: Engine, image: str, code: str, **options: Any) -> str:
    options = {"network_mode": "none", "read_only": True, **options}
    out = engine.client.containers.run(image, ["python", "-c", code], remove=True, **options)
    return out.decode().strip()


def traces(engine: Engine, environ: Mapping[str, str]) -> list[str]:
    """What a build that did not come to its end must not leave."""
    containers = engine.client.api.containers(
        all=True, filters={"label": [f"{ROLE}={Role.BUILD}", f"autosota.owner={owner()}"]}
    )
    mine = [c["Id"] for c in containers]
    parts = engine.client.images.list(all=True, filters={"label": retention.PART})
    mine += [
        i.id
        for i in parts
        if str(i.labels[retention.PART]).startswith(owner())
        and not retention.about(i.labels)
        and not engine.client.api.images(filters={"since": i.id, "label": retention.ABOUT})
    ]
    building = retention.cache(environ) / "building"
    return [*mine, *(str(p) for p in (building.iterdir() if building.exists() else ()))]


def test_the_image_of_kernels_has_a_kernel_a_user_and_compiled_modules(engine, kernel_image):
    code = (
        "import sys, os, getpass, ipykernel, json; there = os.path.exists; print(json.dumps(["
        "sys.executable, os.getuid(), getpass.getuser(), there(ipykernel.__cached__), "
        "there(json.__cached__)]))"
    )
    assert inside(engine, kernel_image, code, user="1000:1000") == (
        f'["{images.PYTHON}", 1000, "autosota", true, true]'
    )


def test_an_image_brings_no_start_of_its_own_and_is_not_root(engine, kernel_image):
    config = engine.client.images.get(kernel_image).attrs["Config"]
    assert not config["Entrypoint"] and config["Cmd"] == ["python"]
    assert config["User"] not in ("", "0", "root")
    assert config["Env"][0].startswith("PATH=/opt/autosota/bin:/usr/local/sbin")
    assert {k for k in config["Labels"] if k in (ROLE, "autosota.owner", "autosota.user")} == set()


def test_wheels_do_not_stay_in_the_image(engine, kernel_image):
    code = "import glob; print(glob.glob('/autosota-build*') + glob.glob('/opt/autosota/*.py'))"
    assert inside(engine, kernel_image, code) == "[]"


def test_the_second_time_nothing_is_built_and_nothing_is_fetched(engine, base_image, kernel_image):
    said: list[str] = []
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    began = time.monotonic()
    again = images.ensure(
        engine, images.kernel_recipe(base_image), Making(said.append, environ=offline)
    )
    assert time.monotonic() - began < 2
    assert (again.tag, again.built, said) == (kernel_image, False, [])
    assert again.base == base_image
    assert again.base_id == engine.client.images.get(base_image).id


def test_other_inputs_make_another_image(engine, base_image, environ, word, clean):
    first = images.ensure(engine, bare(base_image, f"a{word}"), Making(environ=environ))
    clean.append(first.id)
    second = images.ensure(engine, bare(base_image, f"b{word}"), Making(environ=environ))
    clean.append(second.id)
    assert first.built and second.built and first.id != second.id
    assert traces(engine, environ) == []


def test_a_build_has_no_network_and_nothing_of_ours(
    engine, base_image, environ, word, clean, monkeypatch
):
    """Asked by a step that the base adds to every build on it."""
    monkeypatch.setenv("TOKEN_OF_TEST", "hunter2")
    base = f"local/autosota-asking:{word}"
    container = engine.client.containers.create(base_image, ["true"], network_mode="none")
    step = "ONBUILD RUN env > /seen && ls /sys/class/net >> /seen && ls / >> /seen"
    container.commit(*base.split(":"), changes=step)
    container.remove()
    clean.append(base)
    image = images.ensure(engine, bare(base, word), Making(environ=environ))
    clean.insert(0, image.id)
    seen = inside(engine, image.id, "print(open('/seen').read())").splitlines()
    assert "lo" in seen and "eth0" not in seen
    assert not any("hunter2" in line or line.startswith("PIP_") for line in seen)


def test_builders_of_the_same_image_wait_for_each_other(engine, base_image, environ, word, clean):
    said: list[str] = []

    def build(_: int) -> Image:
        with Engine.connect(engine.endpoint) as own:
            making = Making(said.append, environ=environ)
            return images.ensure(own, bare(base_image, word), making)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(build, range(2)))
    clean.append(both[0].id)
    assert both[0].id == both[1].id
    assert sorted(image.built for image in both) == [False, True]
    assert any("waiting" in line for line in said)


def test_a_missing_base_is_named_with_the_way_out(engine, environ, word):
    name = f"127.0.0.1:9/no/such:{word}"
    with pytest.raises(UserError) as caught:
        images.ensure(engine, bare(name, "run"), Making(environ=environ, limit_seconds=60))
    text = str(caught.value)
    assert name in text and "docker pull" in text and "environment.image" in text
    assert "\n" not in text


def test_a_base_that_is_no_name_is_refused(engine, environ):
    with pytest.raises(UserError, match="Not A Name"):
        images.ensure(engine, bare("Not A Name", "run"), Making(environ=environ))


def test_a_base_without_python_is_named(engine, environ, clean):
    name = tiny_image(engine, "local/autosota-tiny:images")
    clean.append(name)
    with pytest.raises(UserError, match=r"local/autosota-tiny:images has no Python 3\.8"):
        images.ensure(engine, bare(name, "run"), Making(environ=environ))
    assert traces(engine, environ) == []


def test_a_base_that_is_gone_is_not_needed_again(engine, base_image, environ, word, clean):
    name = f"local/autosota-base:{word}"
    engine.client.images.get(base_image).tag(*name.split(":"))
    first = images.ensure(engine, bare(name, word), Making(environ=environ))
    clean.append(first.id)
    engine.client.api.remove_image(name)
    again = images.ensure(engine, bare(name, word), Making(environ=environ))
    assert (again.id, again.base_id) == (first.id, first.base_id)
    assert "is gone" in again.notes[0]


def test_stopping_a_build_leaves_nothing(engine, base_image, environ, word):
    stop, pressed = Stop(), []

    def say(line: str) -> None:
        if "RUN" in line:
            stop.press()
            pressed.append(time.monotonic())

    with pytest.raises(UserError, match="stopped"):
        images.ensure(engine, bare(base_image, word), Making(say, stop, environ))
    assert pressed and time.monotonic() - pressed[0] < 10
    assert gone(lambda: traces(engine, environ))


def gone(what: Any, seconds: float = 20.0) -> bool:
    """Whether nothing is left soon: the engine gives up a build when it sees the line cut."""
    deadline = time.monotonic() + seconds
    while left := what():
        if time.monotonic() > deadline:
            pytest.fail(f"left: {left}")
        threading.Event().wait(0.2)
    return True


def test_a_build_that_takes_too_long_leaves_nothing(engine, base_image, environ, word):
    recipe = bare(base_image, word)
    with pytest.raises(UserError, match="time limit"):
        images.ensure(engine, recipe, Making(environ=environ, limit_seconds=1.5))
    assert gone(lambda: traces(engine, environ))


def test_a_build_that_fails_says_what_the_step_said(engine, base_image, environ, word, monkeypatch):
    """The base's Python cannot make environments."""
    name = f"local/autosota-broken:{word}"
    code = "import os, venv; os.unlink(venv.__file__); open(venv.__file__, 'w').write('1/0')"
    broken = engine.client.containers.create(
        base_image, ["python3", "-c", code], network_mode="none"
    )
    try:
        broken.start()
        broken.wait(timeout=60)
        broken.commit(*name.split(":"))
    finally:
        broken.remove(force=True)
    try:
        with pytest.raises(UserError) as caught:
            images.ensure(engine, bare(name, word), Making(environ=environ))
        text = str(caught.value)
        assert "ZeroDivisionError" in text and name in text and "environment.image" in text
        assert gone(lambda: traces(engine, environ))
    finally:
        engine.client.api.remove_image(name)


def test_a_full_disk_is_said_and_leaves_nothing(daemon, engine, base_image, environ, tmp_path):
    """An engine whose folder has room for the base and hardly more."""
    room = engine.client.images.get(base_image).attrs["Size"] * 5 // 2
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={room}", "autosota-test", str(place)], check=True
    )
    started = None
    try:
        started = daemon("--data-root", str(place / "data"))
        with started.engine() as small:
            data = engine.client.images.get(base_image).save(named=base_image)
            small.client.images.load(b"".join(data))
            with (place / "ballast").open("wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, shutil.disk_usage(place).free - 3 * 2**20)
            with pytest.raises(UserError, match="no space left") as caught:
                making = Making(environ=environ)
                images.ensure(small, recipe(base_image, "full", "six", "pygments"), making)
            assert "autosota kernel clean" in str(caught.value)
            assert str(place / "data") in str(caught.value)
            assert retention.listed(small, environ) == ()
    finally:
        if started is not None:
            started.end()
        subprocess.run(["umount", "-l", str(place)], check=True)
    assert traces(engine, environ) == []


def test_an_engine_that_ends_in_mid_build_is_said(daemon, engine, base_image, environ):
    started = daemon()

    def say(line: str) -> None:
        if "RUN" in line:
            started.process.kill()

    with started.engine() as other:
        data = engine.client.images.get(base_image).save(named=base_image)
        other.client.images.load(b"".join(data))
        with pytest.raises(UserError, match=str(started.endpoint.url)) as caught:
            images.ensure(other, bare(base_image, "run"), Making(say, environ=environ))
        assert "\n" not in str(caught.value)
    assert list((retention.cache(environ) / "building").iterdir()) == []


def test_folders_of_killed_builds_go(engine, base_image, environ, word, clean):
    place = retention.cache(environ) / "building"
    place.mkdir(parents=True)
    code = (
        "import pathlib, sys; from autosota.server.containers.reaper import private_folder; "
        "print(private_folder(pathlib.Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(place)], capture_output=True, text=True, check=True
    )
    left, mine = Path(done.stdout.strip()), private_folder(place)
    assert left.is_dir()
    clean.append(images.ensure(engine, bare(base_image, word), Making(environ=environ)).id)
    assert not left.exists() and mine.exists()


def labelled(engine: Engine, base: str, tag: str, labels: Mapping[str, str]) -> str:
    """An image with labels of the test's choice."""
    container = engine.client.containers.create(base, ["true"], labels=dict(labels))
    try:
        return str(container.commit(*tag.split(":")).id)
    finally:
        container.remove(force=True)


def test_parts_of_a_dead_builder_go_and_those_of_a_live_one_stay(engine, word, clean):
    tiny = tiny_image(engine, "local/autosota-tiny:images")
    clean.append(tiny)
    code = "from autosota.server.containers.labels import owner; print(owner())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    of_dead = {retention.PART: f"{dead.stdout.strip()}/1"}
    gone = labelled(engine, tiny, f"local/autosota-part:dead{word}", of_dead)
    with retention.part(engine) as name:
        live = {retention.PART: name}
        stays = labelled(engine, tiny, f"local/autosota-part:live{word}", live)
        retention.forget_parts(engine)
        assert not engine.has_image(gone) and engine.has_image(stays)
    assert not engine.has_image(stays)


def test_the_image_used_least_recently_goes_until_the_rest_fits(engine, word, environ, clean):
    """With images that weigh what their labels say."""
    tiny = tiny_image(engine, "local/autosota-tiny:images")
    clean.append(tiny)
    size = engine.client.images.get(tiny).attrs["Size"]
    user = 10_000_000 + int(word, 16) % 1_000_000
    about = f'{{"kind": "run", "base": "b", "base_bytes": {size - 1000}, "user": {os.getuid()}}}'
    other = about.replace(f'"user": {os.getuid()}', f'"user": {user}')
    made = {}
    for number, (name, text) in enumerate(
        [("old", about), ("busy", about), ("new", about), ("just", about), ("theirs", other)]
    ):
        labels = {"autosota.inputs": f"{name}{word}", retention.ABOUT: text}
        made[name] = labelled(engine, tiny, f"local/autosota-kept:{name}{word}", labels)
        clean.append(made[name])
        retention.use(made[name], environ)
        used = time.time() - (0 if name == "just" else 9000 - 1000 * number)
        file = retention.cache(environ) / "used" / made[name].removeprefix("sha256:")
        os.utime(file, (used, used))
    mine = {i.id: i for i in retention.listed(engine, environ) if word in i.tags[0]}
    assert set(mine) == {made[n] for n in ("old", "busy", "new", "just")}
    assert {i.bytes for i in mine.values()} == {1000}
    assert next(iter(mine)) == made["just"]
    container = engine.client.containers.create(made["busy"], ["true"])
    try:
        spare = [i.id for i in retention.listed(engine, environ) if i.id not in mine]
        total = sum(i.bytes for i in retention.listed(engine, environ))
        kept = retention.collect(engine, budget_bytes=total, environ=environ, spare=spare)
        assert not kept.removed
        kept = retention.collect(engine, budget_bytes=total - 1, environ=environ, spare=spare)
        assert [i.id for i in kept.removed] == [made["old"]] and kept.bytes == 1000
        kept = retention.collect(engine, budget_bytes=0, environ=environ, spare=spare)
        assert [i.id for i in kept.removed] == [made["new"]]
        assert [i.id for i in kept.left] == [made["busy"]]
        assert engine.has_image(made["just"]) and engine.has_image(made["theirs"])
    finally:
        container.remove(force=True)


def test_questions_are_asked_behind_walls_and_leave_no_container(engine, base_image):
    from autosota.server.containers.walls import user

    code = (
        "import os, socket; print(os.getuid(), sorted(n for _, n in socket.if_nameindex())); "
        "open('/written', 'w')"
    )
    who = user(rootless=engine.facts.rootless)
    status, out, error = bases.ask(engine, base_image, ["python3", "-c", code], who)
    assert status == 1 and "Read-only file system" in error
    assert out.decode().startswith(f"{who.uid} [") and "eth0" not in out.decode()
    mine = {"label": [f"{ROLE}={Role.PROBE}", f"autosota.owner={owner()}"]}
    assert engine.client.api.containers(all=True, filters=mine) == []


def test_a_question_without_an_answer_ends(engine, base_image):
    from autosota.server.containers.walls import user

    who = user(rootless=engine.facts.rootless)
    with pytest.raises(UserError, match="no answer"):
        bases.ask(engine, base_image, ["sleep", "60"], who, seconds=1)


def test_podman_builds_the_same(podman, engine, base_image, environ):
    container = engine.client.containers.create(base_image, ["true"], network_mode="none")
    data = io.BytesIO()
    try:  # this Podman knows one user only, and so may its files
        source = io.BytesIO(b"".join(container.export()))
        with tarfile.open(fileobj=source) as read, tarfile.open(fileobj=data, mode="w") as write:
            for entry in read:
                if entry.name.startswith(("usr/share/", "var/", "usr/sbin/")):
                    continue
                entry.uid = entry.gid = 0
                if entry.isreg():
                    write.addfile(entry, read.extractfile(entry))
                elif entry.isdir() or entry.issym() or entry.islnk():
                    write.addfile(entry)
    finally:
        container.remove(force=True)
    podman.client.api.import_image_from_data(data.getvalue(), *base_image.split(":"))
    base = podman.client.images.list()[0].id
    first = images.ensure(podman, bare(base, "run"), Making(environ=environ))
    # rootless: the user outside is root inside
    assert inside(podman, first.id, "import os; print(os.getuid())", read_only=False) == "0"
    again = images.ensure(podman, bare(base, "run"), Making(environ=environ))
    assert first.built and (again.id, again.built) == (first.id, False)
    assert [i.id for i in retention.listed(podman, environ)] == [first.id]
    assert retention.remove(podman, first.id) and not podman.has_image(first.id)


def test_an_image_of_another_base_is_never_taken_for_a_missing_one(engine, base_image) -> None:
    built = images.ensure(engine, images.kernel_recipe(base_image))
    with pytest.raises(UserError, match="never-there"):
        images.ensure(engine, images.kernel_recipe("local/never-there:1"))
    assert images.ensure(engine, images.kernel_recipe(base_image)).id == built.id
