"""`make bench`: every measurement, one table after the other. Prints figures, asserts nothing.

`python tests/bench/run.py [overhead|ledger|simulation|reproduction]…` measures only those.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = {
    "overhead": "Fixed overhead of a run over the bare command",
    "ledger": "The ledger",
    "containers": "Runs in containers, bubblewrap and plain processes beside them",
    "kernels": "Kernels in containers, a local kernel beside them (some five minutes)",
    "simulation": "Synthetic campaigns: what is confirmed that is not there, and what is",
    "audit": "The audit of patches: refused, cleared, time per patch",
    "catalogue": "The catalogue on files by many authors (pip fetches them; slow)",
    "leakage": "Leakage on labelled notebooks and scripts (AUTOSOTA_LEAKAGE_DATA names the folder)",
    "check_time": "The time of `autosota check` (the same folder)",
    "lsp": "The language server, its peers beside it in environments of their own (some minutes)",
    "model": "The model client against a server with faults (some two minutes)",
    "overfitting": "What is left of a gain on fresh rows (some five minutes)",
    "search": "Search: until a confirmed gain, against random order and Optuna (some minutes)",
    "reproduction": "Reproduction of MNIST-1D (PyTorch; some two minutes)",
}


def main(names: list[str]) -> None:
    """Print the tables."""
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"{os.cpu_count()} cores, load average {load}; {time.strftime('%Y-%m-%d %H:%M')}")
    for name in names or TABLES:
        print(f"\n{TABLES[name]}")
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        module.main()


if __name__ == "__main__":
    main(sys.argv[1:])
