"""The body: workspace, sandboxes, ledger, campaign driver, reports and the command line."""


def product_version() -> str:
    """The installed version of the distribution."""
    from importlib.metadata import version  # slow to load, and rarely asked for

    return version("autosota")
