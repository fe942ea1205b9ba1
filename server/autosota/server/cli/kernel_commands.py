"""`autosota kernel install`, `list`, `remove` and `clean`: Jupyter kernels in containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.group()
def kernel() -> None:
    """Register Jupyter kernels that run in containers, list them, and clean up after them."""


@kernel.command()
@click.option("--user", is_flag=True, help="Register for this user, not for this environment.")
@click.option("--sys-prefix", is_flag=True, help="Register for this environment (the default).")
@click.option("--prefix", type=click.Path(path_type=Path), help="Register for another environment.")
@click.option("--name", help="The kernel's name; autosota-docker if left out.")
@click.option("--image", default="", help="The image to build on; Python's own if left out.")
@click.option("--as-is", is_flag=True, help="Use --image as it is: it has ipykernel already.")
@click.option("--with", "packages", multiple=True, metavar="REQ", help="Install REQ in the image.")
@click.option("--gpus", type=click.IntRange(0), help="GPUs of the GPU kernel; 0 registers none.")
@click.option("--memory", default="", help="The most memory, such as 8GiB; else most of it.")
@click.option("--pool", type=click.IntRange(0), default=1, help="Kernels started in advance: 1.")
@click.option("--network", is_flag=True, help="Let the kernel use the network.")
@click.option("--attach", default="", metavar="NAME", help="Start in a running container.")
@click.option("--everywhere", is_flag=True, help="For Jupyter of an environment without AutoSOTA.")
def install(
    user: bool,
    sys_prefix: bool,
    prefix: Path | None,
    name: str | None,
    image: str,
    as_is: bool,
    packages: tuple[str, ...],
    gpus: int | None,
    memory: str,
    pool: int,
    network: bool,
    attach: str,
    everywhere: bool,
) -> int:
    """Register a kernel, and one with GPUs where there are any; builds their image first."""
    import sys

    from autosota.server.kernels.setup import Wanted, install_kernels
    from autosota.server.kernels.spec import destination

    if sum((user, sys_prefix, prefix is not None)) > 1:
        raise click.UsageError("--user, --sys-prefix and --prefix exclude each other")
    if as_is and not image:
        raise click.UsageError("--as-is says how to use --image, which is missing")
    if as_is and packages:
        raise click.UsageError("--with changes the image, --as-is does not")
    table: dict[str, Any] = {"image" if as_is else "base": image} if image else {}
    table |= {"requirements": list(packages)} if packages else {}
    table |= {"memory": memory} if memory else {}
    table |= {"network": True} if network else {}
    table |= {"attach": attach} if attach else {}
    place = destination(user=user, prefix=Path(sys.prefix) if sys_prefix else prefix)
    wanted = Wanted(table, place, name, gpus, pool, everywhere)
    for one in install_kernels(wanted, click.echo):
        click.echo(f"registered {one.display!r} as {one.name} in {one.folder}")
    return 0


@kernel.command("list")
def list_() -> int:
    """List the registered kernels, and the containers of kernels that run."""
    from autosota.server.kernels.setup import running
    from autosota.server.kernels.spec import installed

    for one in installed():
        click.echo(f"{one.name:<24} {one.display}  {one.folder}")
    for line in running():
        click.echo(line)
    return 0


@kernel.command()
@click.argument("name")
def remove(name: str) -> int:
    """Remove the registered kernel NAME; running kernels go on."""
    from autosota.server.kernels import spec

    click.echo(f"removed {spec.remove(name).folder}")
    return 0


@kernel.command()
@click.option("--images", is_flag=True, help="Remove the images, too; they are built again.")
def clean(images: bool) -> int:
    """Remove what killed processes left behind: their containers and private folders."""
    from autosota.server.kernels.setup import clean_up

    return int(any(clean_up(click.echo, images=images)))
