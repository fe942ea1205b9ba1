"""The network of a kernel that is reached over published ports: it leads to the client only.

Publishing ports needs a network, and an engine's usual one leads everywhere. This one is not
translated to the machine's address, so packets that leave it find no way back, and its containers
do not see each other. What listens on the engine's machine itself can still be reached; that is
why sockets in a folder are preferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import docker

QUIET = "autosota-quiet"
NO_NAMES = ("127.0.0.1",)
"""The servers of names for it: none, since an engine would ask its own on a container's behalf."""

_OPTIONS = {
    "com.docker.network.bridge.enable_ip_masquerade": "false",
    "com.docker.network.bridge.enable_icc": "false",
}


def quiet(client: docker.DockerClient) -> str:
    """The name of that network, which is made when it is not there.

    Raises:
        docker.errors.APIError: the engine cannot make networks.
    """
    if not client.api.networks(names=[QUIET]):
        client.networks.create(QUIET, driver="bridge", options=_OPTIONS, check_duplicate=True)
    return QUIET
