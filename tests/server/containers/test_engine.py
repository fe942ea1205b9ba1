"""Finding an engine, connecting to it, and what is said when that does not work."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest
from tests.server.containers.conftest import tiny_image

from autosota.server.containers import endpoint, sharing
from autosota.server.containers import engine as module
from autosota.server.containers.engine import Endpoint, Engine, EngineUnavailable, find_endpoint
from autosota.server.errors import UserError


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own, without the sockets of this machine; and variables for it."""
    monkeypatch.setattr(endpoint, "_SYSTEM_SOCKETS", (tmp_path / "system.sock",))
    monkeypatch.setattr(endpoint, "_PODMAN_SOCKETS", (tmp_path / "podman.sock",))
    (tmp_path / "run").mkdir()
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": str(tmp_path / "run")}


@pytest.fixture
def listen():
    """Makes socket files; nothing ever answers on them."""
    made = []

    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(path))
        one.listen(8)
        made.append(one)
        return path

    yield make
    for one in made:
        one.close()


def context(home, name: str, host: object, *, current: bool = True, tls: bool = False) -> Path:
    folder = Path(home["HOME"], ".docker")
    digest = sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / digest
    meta.mkdir(parents=True)
    told = {"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (meta / "meta.json").write_text(json.dumps(told))
    if tls:
        (folder / "contexts" / "tls" / digest / "docker").mkdir(parents=True)
    if current:
        (folder / "config.json").write_text(json.dumps({"currentContext": name}))
    return meta / "meta.json"


def test_the_order_is_what_the_user_said_then_the_usual_places(home, tmp_path, listen):
    with pytest.raises(EngineUnavailable, match="no container engine found") as told:
        find_endpoint(home)
    assert told.value.endpoint is None and "install Docker" in told.value.fix
    seen = []
    for path in (
        tmp_path / "podman.sock",
        tmp_path / "run/podman/podman.sock",
        tmp_path / "home/.docker/run/docker.sock",
        tmp_path / "run/docker.sock",
        tmp_path / "system.sock",
    ):
        listen(path)
        found = find_endpoint(home)
        assert found.url == f"unix://{path}" and found.local and found.socket == path
        seen.append(found.source)
    assert len(set(seen)) == 5 and "rootless" in seen[3]
    env = {**home, "CONTAINER_HOST": "unix:///c.sock"}
    assert find_endpoint(env).source == "CONTAINER_HOST"
    context(home, "lab", "ssh://me@lab")
    found = find_endpoint(env)
    assert (found.url, found.local) == ("ssh://me@lab", False) and "'lab'" in found.source
    context(home, "other", "tcp://other:2375", current=False)
    found = find_endpoint({**env, "DOCKER_CONTEXT": "other"})
    assert found.url == "tcp://other:2375" and "DOCKER_CONTEXT" in found.source
    # the Docker CLI's word for "no context"
    assert find_endpoint({**home, "DOCKER_CONTEXT": "default"}).url.endswith("system.sock")
    found = find_endpoint({**env, "DOCKER_CONTEXT": "other", "DOCKER_HOST": "unix:///h.sock"})
    assert (found.url, found.source) == ("unix:///h.sock", "DOCKER_HOST")


def test_our_reading_of_contexts_is_the_cli_s(home, tmp_path):
    """The real CLI, where it is installed, writes the context that we read."""
    if shutil.which("docker") is None:
        pytest.skip("no docker command")
    env = {**home, "PATH": os.environ["PATH"]}
    host = f"unix://{tmp_path}/x.sock"
    for command in (["create", "my-lab", "--docker", f"host={host}"], ["use", "my-lab"]):
        subprocess.run(["docker", "context", *command], env=env, check=True, capture_output=True)
    found = find_endpoint(home)
    assert found.url == host and "'my-lab'" in found.source


def test_settings_that_lead_nowhere_are_named(home):
    for value in ("banana", "npipe:////./pipe/docker_engine"):
        with pytest.raises(EngineUnavailable, match="DOCKER_HOST is") as told:
            find_endpoint({**home, "DOCKER_HOST": value})
        assert value in str(told.value)
    with pytest.raises(EngineUnavailable, match="context 'gone', DOCKER_CONTEXT does not exist"):
        find_endpoint({**home, "DOCKER_CONTEXT": "gone"})
    for content in ('{"Endpoints": {}}', "[]", "{", '{"Endpoints": {"docker": {}}}'):
        folder = Path(home["HOME"], ".docker", "contexts", "meta", sha256(b"bad").hexdigest())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "meta.json").write_text(content)
        with pytest.raises(EngineUnavailable, match="no endpoint of Docker"):
            find_endpoint({**home, "DOCKER_CONTEXT": "bad"})
    file = Path(home["HOME"], ".docker", "config.json")
    for content in ("[]", '{"currentContext": 3}', '{"auths": {}}'):
        file.write_text(content)
        with pytest.raises(EngineUnavailable, match="no container engine found"):
            find_endpoint(home)
    file.write_text("{nonsense")
    with pytest.raises(EngineUnavailable, match=r"config\.json is not JSON"):
        find_endpoint(home)


def test_tls_of_variables_and_contexts(home, tmp_path):
    assert find_endpoint({**home, "DOCKER_HOST": "tcp://x:1"}).certificates is None
    env = {**home, "DOCKER_HOST": "tcp://x:2376", "DOCKER_TLS_VERIFY": "1"}
    found = find_endpoint(env)
    assert found.certificates == Path(home["HOME"], ".docker") and found.verify
    found = find_endpoint({**env, "DOCKER_CERT_PATH": "/certs", "DOCKER_TLS_VERIFY": ""})
    assert found.certificates == Path("/certs") and not found.verify
    with pytest.raises(EngineUnavailable, match="DOCKER_CERT_PATH"):
        Engine.connect(find_endpoint({**env, "DOCKER_CERT_PATH": str(tmp_path / "none")}), 2)
    context(home, "safe", "tcp://safe:2376", tls=True)
    assert find_endpoint(home).certificates is not None


def test_a_password_is_never_shown(home):
    where = find_endpoint({**home, "DOCKER_HOST": "ssh://me:s3cret@host.invalid"})
    with pytest.raises(EngineUnavailable) as told:
        Engine.connect(where, 2)
    assert "s3cret" not in f"{where} {told.value} {told.value.why}"
    assert "me:***@host.invalid" in str(where)


def test_finding_connects_to_nothing_and_imports_nothing(home, listen, tmp_path):
    path = listen(tmp_path / "run/docker.sock")
    began = time.monotonic()
    assert find_endpoint(home).socket == path
    assert time.monotonic() - began < 0.5
    code = (
        "import sys; from autosota.server.containers.engine import find_endpoint\n"
        "try: find_endpoint()\nexcept Exception: pass\n"
        "print([m for m in ('docker', 'requests') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_an_engine_that_takes_calls_and_never_answers(home, listen, tmp_path):
    listen(tmp_path / "system.sock")
    began = time.monotonic()
    with pytest.raises(EngineUnavailable, match=r"no answer within 0\.5 s") as told:
        Engine.connect(find_endpoint(home), 0.5)
    assert time.monotonic() - began < 2
    assert "restart" in told.value.fix and str(tmp_path) in str(told.value)


def test_the_time_limit_is_for_all_of_it(home, tmp_path):
    """The first question is answered, the second one is not."""
    where, served = answering(tmp_path / "slow.sock", [b'{"ApiVersion": "1.41"}'], wait=0.3)
    began = time.monotonic()
    with pytest.raises(EngineUnavailable, match="no answer"):
        Engine.connect(where, 0.8)
    assert time.monotonic() - began < 1.6
    served.close()


def answering(path: Path, bodies: list[bytes], wait: float = 0.0, status: str = "200 OK"):
    """A socket that gives some answers in HTTP, and then none."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen(8)
    left = list(bodies)
    held = []

    def talk(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while one.recv(65536) and left:
                threading.Event().wait(wait)
                body = left.pop(0)
                head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                held.append(listening.accept()[0])
                threading.Thread(target=talk, args=(held[-1],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return Endpoint(f"unix://{path}", "the test", True), listening


@pytest.mark.parametrize(
    ("bodies", "status", "why"),
    [
        ([b"hello"], "200 OK", "does not answer as an engine does"),
        ([b"{}"], "200 OK", "does not answer as an engine does"),
        ([b'{"ApiVersion": "1.12"}'] * 3, "200 OK", "too old"),
        ([b'{"message": "boom"}'], "500 Internal Server Error", "boom"),
        ([b'{"ApiVersion": "1.41", "Os": "windows"}'] * 3, "200 OK", "Windows containers"),
    ],
)
def test_what_is_no_engine_for_us(tmp_path, bodies, status, why):
    where, served = answering(tmp_path / "odd.sock", bodies, status=status)
    with pytest.raises(EngineUnavailable, match=why) as told:
        Engine.connect(where, 2)
    assert told.value.fix and "\n" not in str(told.value)
    served.close()


def test_nobody_there_each_with_its_fix(home, tmp_path, listen):
    def told(url: str) -> EngineUnavailable:
        with pytest.raises(EngineUnavailable) as caught:
            Engine.connect(find_endpoint({**home, "DOCKER_HOST": url}), 3)
        return caught.value

    gone = told(f"unix://{tmp_path}/gone.sock")
    assert gone.why == "there is no such socket" and "start" in gone.fix
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "stale.sock"))
    stale.close()
    assert told(f"unix://{tmp_path}/stale.sock").why == "nothing listens there"
    stale = socket.socket(socket.AF_UNIX)
    (tmp_path / "podman").mkdir()
    stale.bind(str(tmp_path / "podman/podman.sock"))
    stale.close()
    assert "podman.socket" in told(f"unix://{tmp_path}/podman/podman.sock").fix
    refused = told("tcp://127.0.0.1:1")
    assert refused.why == "nothing listens there" and "DOCKER_HOST" in refused.fix
    assert "paramiko" in told("ssh://me@127.0.0.1").why + told("ssh://me@127.0.0.1").fix


def test_a_user_who_may_not_use_the_socket(tmp_path):
    """As another user, with the real kernel saying no."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    path = Path("/var/tmp") / f"as-{os.getpid()}.sock"
    one = socket.socket(socket.AF_UNIX)
    one.bind(str(path))
    path.chmod(0o600)
    code = (
        "import os, sys; import docker, autosota.server.containers.engine as e, requests\n"
        "import autosota.server.containers.labels\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"where = e.Endpoint('unix://{path}', 'the test', True)\n"
        "try: e.Engine.connect(where, 2)\n"
        "except e.EngineUnavailable as error: print(error)"
    )
    try:
        told = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        )
    finally:
        one.close()
        path.unlink()
    assert "may not use its socket" in told.stdout and "sudo usermod -aG docker" in told.stdout


def test_a_socket_that_may_be_used_wins_over_one_that_may_not(home, tmp_path, listen, monkeypatch):
    system = listen(tmp_path / "system.sock")
    mine = listen(tmp_path / "run/docker.sock")
    real = os.access
    monkeypatch.setattr(endpoint.os, "access", lambda p, mode: Path(p) != system and real(p, mode))
    assert find_endpoint(home).socket == mine
    mine.unlink()
    assert find_endpoint(home).socket == system  # and connecting says what to do about it


def test_what_this_engine_says(engine):
    facts = engine.facts
    assert facts.name in ("docker", "podman") and facts.version and facts.api
    assert facts.cgroup in (1, 2) and facts.cores >= 1 and facts.memory_bytes > 2**28
    assert facts.root.startswith("/") and facts.arch == os.uname().machine
    assert str(engine.endpoint) in str(engine) and facts.version in str(engine)


def test_nothing_is_left_open(engine):
    before = set(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(5):
        with Engine.connect(engine.endpoint) as one:
            two = one.another()
            two.ping()
            two.close()
            one.close()
    assert (set(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_images(engine, base_image):
    assert engine.has_image(base_image)
    assert not any(engine.has_image(n) for n in ("local/nothing:here", "NOT A NAME", ""))


def test_this_engine_sees_our_files(engine, base_image, tmp_path):
    before = len(engine.client.api.containers(all=True))
    assert engine.shares_files(base_image, tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
    assert len(engine.client.api.containers(all=True)) == before
    began = time.monotonic()
    assert engine.shares_files("not/even/there", tmp_path) == ""  # asked once
    assert time.monotonic() - began < 0.05
    with pytest.raises(UserError, match="no such image"):
        engine.shares_files("local/nothing:here", tmp_path / "..")


def test_a_folder_that_cannot_be_written(engine, base_image, tmp_path):
    with pytest.raises(UserError, match="not writable"):
        engine.shares_files(base_image, tmp_path / "missing")


def test_an_engine_elsewhere_is_told_from_one_here(daemon, tmp_path):
    """One whose /var/tmp is another one, as on another machine; it is reached over TCP."""
    port = free_port()
    place = Path("/var/tmp") / f"as-{os.getpid()}"
    place.mkdir()
    hide = f'mkdir -p {place} && mount -t tmpfs none {place} && exec "$0" "$@"'
    try:
        remote = daemon(
            f"--host=tcp://127.0.0.1:{port}", before=["unshare", "-m", "sh", "-c", hide]
        )
        where = find_endpoint({"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
        assert not where.local
        with Engine.connect(where) as engine:
            image = tiny_image(engine)
            assert "does not see this machine's files" in engine.shares_files(image, place)
            # it shares other folders: nothing but trying tells
            assert engine.shares_files(image, tmp_path) == ""
        remote.end()
    finally:
        place.rmdir()


def test_an_engine_behind_tls(daemon, tmp_path, home):
    """With certificates of both sides, as `DOCKER_CERT_PATH` and the contexts of the CLI name."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    new = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl("req", "-x509", *new, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("server", "client"):
        keys = ("-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
        openssl("req", *new[:3], *keys, "-subj", f"/CN={name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-extfile", "names",
                "-out", f"{name}.pem")  # fmt: skip
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    for source, target in (("ca", "ca"), ("client", "cert"), ("client-key", "key")):
        shutil.copy(tmp_path / f"{source}.pem", certificates / f"{target}.pem")
    port = free_port()
    safe = daemon(
        "--tlsverify",
        *(f"--tls{k}={tmp_path}/{v}.pem" for k, v in
          (("cacert", "ca"), ("cert", "server"), ("key", "server-key"))),
        f"--host=tcp://127.0.0.1:{port}",
    )  # fmt: skip
    env = {**home, "DOCKER_HOST": f"tcp://127.0.0.1:{port}", "DOCKER_TLS_VERIFY": "1"}
    with Engine.connect(find_endpoint({**env, "DOCKER_CERT_PATH": str(certificates)})) as engine:
        assert engine.facts.name == "docker" and not engine.endpoint.local
        engine.another().ping()
    with pytest.raises(EngineUnavailable, match="TLS failed") as told:
        Engine.connect(find_endpoint({**home, "DOCKER_HOST": f"tcp://127.0.0.1:{port}"}), 3)
    assert told.value.fix
    # a certificate that somebody else signed
    openssl("req", "-x509", *new, "-keyout", "o-key.pem", "-out", "other.pem", "-subj", "/CN=o")
    shutil.copy(tmp_path / "other.pem", certificates / "ca.pem")
    with pytest.raises(EngineUnavailable, match="TLS failed") as told:
        Engine.connect(find_endpoint({**env, "DOCKER_CERT_PATH": str(certificates)}), 3)
    assert "DOCKER_CERT_PATH" in told.value.fix
    safe.end()


def test_an_engine_in_a_virtual_machine_has_files_but_not_pipes(daemon, monkeypatch):
    """An overlay shows our files, and a pipe in it is another one, as a shared folder does."""
    monkeypatch.setattr(sharing, "PROBE_SECONDS", 1.5)
    place = Path("/var/tmp") / f"as-{os.getpid()}"
    upper = Path("/dev/shm") / f"as-{os.getpid()}"
    for folder in (place, upper / "u", upper / "w"):
        folder.mkdir(parents=True)
    over = f"lowerdir={place},upperdir={upper}/u,workdir={upper}/w"
    mount = f'mount -t overlay none -o {over} {place} && exec "$0" "$@"'
    try:
        virtual = daemon(before=["unshare", "-m", "sh", "-c", mount])
        with virtual.engine() as engine:
            image = tiny_image(engine)
            assert "does not share this machine's files" in engine.shares_files(image, place)
            assert list(place.iterdir()) == []
            assert engine.client.api.containers(all=True) == []
        virtual.end()
    finally:
        shutil.rmtree(place)
        shutil.rmtree(upper)


def test_an_engine_that_hangs_and_one_that_stops_under_us(daemon):
    import requests

    from autosota.server.containers.reaper import reap

    one = daemon()
    with one.engine() as engine:
        with one.frozen():
            began = time.monotonic()
            with pytest.raises(EngineUnavailable, match="no answer within 1 s"):
                one.engine(1.0)
            assert engine.client.api.timeout == module.CALL_SECONDS
            mine = engine.another(0.5)
            with pytest.raises(requests.exceptions.RequestException):
                mine.ping()
            mine.close()
            assert engine.client.api.timeout == module.CALL_SECONDS
            engine.client.api.timeout = 1
            with pytest.raises(EngineUnavailable, match="no answer within 1 s"):
                engine.has_image("x")
            assert time.monotonic() - began < 5
        engine.client.api.timeout = module.CALL_SECONDS
        assert engine.has_image("x") is False  # and it comes back
        one.end()
        for ask in (lambda: engine.has_image("x"), lambda: reap(engine), lambda: one.engine(2)):
            with pytest.raises(EngineUnavailable, match=r"no such socket|nothing listens") as told:
                ask()
            assert "start it" in told.value.fix


def test_an_engine_that_maps_users_leaves_ours_alone(daemon, tmp_path):
    """`userns-remap`, with ranges of users that only this engine sees."""
    from docker.types import Mount

    from autosota.server.containers.walls import user, walls

    for name in ("subuid", "subgid"):
        (tmp_path / name).write_text("nobody:200000:65536\nnogroup:200000:65536\n")
    binds = [f"mount --bind {tmp_path}/{n} /etc/{n}" for n in ("subuid", "subgid")]
    script = " && ".join([*binds, 'exec "$0" "$@"'])
    mapping = daemon("--userns-remap=nobody:nogroup", before=["unshare", "-m", "sh", "-c", script])
    who = user(rootless=False)
    place = tmp_path / "run"
    place.mkdir()
    os.chown(place, *who.outside)
    with mapping.engine() as engine:
        assert engine.facts.remapped and not engine.facts.rootless
        image = tiny_image(engine)

        def writes(settings) -> bool:
            one = engine.client.containers.create(
                image,
                ["/bin/sh", "-c", "echo x > /run/out"],
                mounts=[Mount("/run", str(place), type="bind")],
                **settings,
            )
            try:
                one.start()
                return one.wait(timeout=30)["StatusCode"] == 0
            finally:
                one.remove(force=True)

        assert not writes(walls(who))
        assert writes(engine.facts.fitted(walls(who)))
        assert (place / "out").stat().st_uid == who.outside[0]
        assert engine.shares_files(image, tmp_path) == ""


def test_files_keep_their_selinux_labels():
    facts = module.EngineFacts("docker", "28", "1.51", selinux=True)
    fitted = facts.fitted({"security_opt": ["no-new-privileges"]})
    assert fitted["security_opt"] == ["no-new-privileges", "label=disable"]


def test_podman_speaks_docker_s_language_and_rootless_is_root_inside(podman):
    """Podman's own ways: names, no limits without delegated control groups, GPUs ignored."""
    from autosota.server.containers import gpus, labels, reaper
    from autosota.server.containers.walls import user, walls

    facts = podman.facts
    assert (facts.name, facts.rootless) == ("podman", True) and "rootless" in str(podman)
    assert facts.arch == os.uname().machine
    # a rootless engine on the first version of control groups takes limits and ignores them
    assert facts.memory_limit == facts.pids_limit == (facts.cgroup == 2)
    tiny_image(podman)
    image = podman.client.images.list()[0].id
    assert podman.has_image(image) and not podman.has_image("local/nothing:here")
    assert podman.shares_files(image) == ""
    one = podman.client.containers.create(
        image,
        ["/bin/sh", "-c", "echo x > /escaped; /bin/cat /proc/self/status"],
        **walls(user(rootless=True)),
    )
    one.start()
    one.wait(timeout=30)
    told = one.logs().decode()
    one.remove(force=True)
    status = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    assert status["Uid"].split() == ["0"] * 4
    assert int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"].strip() == "1"
    if not (gpus.installed() or Path("/dev/nvidiactl").exists()):
        # old ones say yes and give none; new ones know that there is no such device
        with pytest.raises(gpus.GpuUnavailable, match=r"0 can be used inside|no such CDI"):
            gpus.choose(podman, image, 1)
    boot, pid, start = labels.owner().split(":")
    gone = labels.labels(labels.Role.PROBE) | {labels.OWNER: f"{boot}:{pid}:{int(start) - 1}"}
    one = podman.client.containers.run(
        image, ["/bin/sleep", "60"], detach=True, labels=gone, network_mode="none"
    )
    assert reaper.reap(podman).containers == (one.id[:12],)
    deadline = time.monotonic() + 10  # a container of Podman may be listed while it is removed
    while left := podman.client.api.containers(all=True):
        assert time.monotonic() < deadline, [(c["Command"], c["State"]) for c in left]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
