"""Packages for a Python that is not ours, by the real pip and the index that it is set up for."""

from __future__ import annotations

import os
import platform
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autosota.server.containers.wheels import Fetching, Target, fetch
from autosota.server.errors import UserError
from autosota.server.sandbox.launch import Stop
from autosota.server.sandbox.requirements import Requirements

OURS = ".".join(map(str, sys.version_info[:3]))


def target(version: str = OURS, machine: str = "x86_64", **installed: str) -> Target:
    markers = {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "6.1",
        "platform_system": "Linux",
        "platform_version": "1",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "linux",
    }
    folders = {
        f"{name}-{v}": f"Metadata-Version: 2.1\nName: {name}\nVersion: {v}\n"
        for name, v in installed.items()
    }
    return Target(version, machine, ("glibc", "2.36"), "", markers, folders)


@pytest.fixture
def how(tmp_path: Path) -> Fetching:
    folder = tmp_path / "fetching"
    folder.mkdir()
    return Fetching(folder, dict(os.environ), lambda _: None, None, time.monotonic() + 200)


def asking(*lines: str) -> Requirements:
    return Requirements("requirements.txt", {"requirements.txt": "\n".join(lines) + "\n"})


def test_platform_tags_go_from_the_newest_to_the_oldest():
    tags = target().platforms
    assert tags[0] == "manylinux_2_36_x86_64"
    assert tags[-1] == "linux_x86_64"
    assert tags.index("manylinux_2_17_x86_64") < tags.index("manylinux2014_x86_64")
    assert "manylinux1_x86_64" in tags and "manylinux_2_37_x86_64" not in tags
    arm = target(machine="aarch64").platforms
    assert "manylinux_2_17_aarch64" in arm and "manylinux_2_16_aarch64" not in arm
    musl = replace(target(), libc=("musl", "1.2")).platforms
    assert musl[:2] == ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64")
    assert not any("manylinux" in tag for tag in musl)


def test_a_python_without_the_global_lock_is_another_one():
    ours = target(machine=platform.machine())
    assert ours.like_ours
    assert not replace(ours, abiflags="t").like_ours
    assert not target("3.7.1").like_ours


def test_wheels_are_for_the_python_and_the_machine_of_the_image(how):
    wheels = fetch(asking("markupsafe"), target("3.12.1", "aarch64"), how)
    (name,) = wheels.files
    assert "cp312" in name and name.endswith("aarch64.whl")
    assert (how.folder / "wheels" / name).is_file()
    assert list((how.folder / "pip").glob("pip-*.whl"))


def test_markers_are_read_as_the_image_reads_them(how):
    old, new = ("six; python_version < '3.10'", "iniconfig; python_version >= '3.10'")
    wheels = fetch(asking(old, new), target("3.9.2"), how)
    assert [pin.partition("==")[0] for pin in wheels.pins] == ["six"]


def test_what_the_base_has_is_not_fetched(how):
    wheels = fetch(asking("six>=1", "iniconfig"), target(six="1.9.0+theirs"), how)
    assert [pin.partition("==")[0] for pin in wheels.pins] == ["iniconfig"]
    assert len(wheels.files) == 1


def test_what_the_base_has_too_old_is_fetched(how):
    wheels = fetch(asking("six>=1.16"), target(six="1.9.0"), how)
    assert wheels.pins[0] > "six==1.16"


def test_pins_of_before_are_kept(how):
    assert fetch(asking("six"), target(), how, ["six==1.16.0"]).pins == ("six==1.16.0",)


def test_pins_that_are_gone_are_resolved_anew(how):
    wheels = fetch(asking("six"), target("3.9.2"), how, ["six==0.0.1"])
    assert wheels.pins and wheels.pins != ("six==0.0.1",)


def test_a_package_that_does_not_exist_is_one_clear_line(how):
    with pytest.raises(UserError) as caught:
        fetch(asking("no-such-package-of-autosota"), target("3.9.2"), how)
    text = str(caught.value)
    assert text.startswith("requirements.txt: ")
    assert "no-such-package-of-autosota" in text and "environment.image" in text
    assert "\n" not in text


def test_credentials_of_an_index_are_never_told(how):
    said: list[str] = []
    environ = {**os.environ, "PIP_INDEX_URL": "https://me:hunter2@127.0.0.1:1/simple"}
    environ |= {"PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    environ = {k: v for k, v in environ.items() if k != "PIP_FIND_LINKS"}
    with pytest.raises(UserError) as caught:
        fetch(asking("six"), target(), replace(how, environ=environ, say=said.append))
    assert "hunter2" not in str(caught.value) + "".join(said)


def test_a_package_without_a_wheel_is_built_here_when_our_python_is_the_images(how, tmp_path):
    source = tmp_path / "autosota_plain-1.0"
    source.mkdir()
    (source / "plain.py").write_text("x = 1\n")
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: autosota-plain\nVersion: 1.0\n")
    (source / "setup.py").write_text(
        "from setuptools import setup\n"
        "setup(name='autosota-plain', version='1.0', py_modules=['plain'])\n"
    )
    (tmp_path / "links").mkdir()
    with tarfile.open(tmp_path / "links" / "autosota_plain-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "autosota_plain-1.0")
    links = f"{os.environ.get('PIP_FIND_LINKS', '')} {tmp_path / 'links'}"
    how = replace(how, environ={**os.environ, "PIP_FIND_LINKS": links})
    with pytest.raises(UserError, match="autosota-plain"):
        fetch(asking("autosota-plain"), target("3.9.2"), how)
    for name in ("wheels", "pip", "requirements", "work"):
        (how.folder / name).rename(tmp_path / name)
    wheels = fetch(asking("autosota-plain"), target(machine=platform.machine()), how)
    assert wheels.pins == ("autosota-plain==1.0",)
    assert wheels.built == ("autosota_plain-1.0-py3-none-any.whl",)


def test_the_button_ends_it(how):
    stop = Stop()
    stop.press()
    with pytest.raises(UserError, match="stopped"):
        fetch(asking("six"), target(), replace(how, stop=stop))


def test_time_ends_it(how):
    with pytest.raises(UserError, match="time limit"):
        fetch(asking("six"), target(), replace(how, deadline=time.monotonic() - 5))
