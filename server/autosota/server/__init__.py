"""The body: workspace, sandboxes, ledger, campaign driver, reports and the command line."""

from importlib.metadata import version


def product_version() -> str:
    """The installed version of the distribution."""
    return version("autosota")
