"""A process that has scikit-learn imported and forks to run scripts: one run costs its training.

Reads one JSON request per line on stdin, answers one per line on stdout. Started by
`executions.Executor` with one numeric thread. Knows nothing of campaigns.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import sys
import time

PRELOAD = (
    "calibration compose datasets decomposition discriminant_analysis ensemble "
    "feature_extraction.text kernel_approximation linear_model metrics model_selection "
    "naive_bayes neighbors neural_network pipeline preprocessing svm tree utils"
)


def child(folder: str, argv: list[str], log: str, timeout: int) -> None:
    """Become the script: its output goes to `log`. Never returns."""
    code = 1
    try:
        signal.alarm(timeout)  # the default action ends the process
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(folder)
        sys.argv = argv
        sys.path.insert(0, folder)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        runpy.run_path(argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = 0 if end.code is None else 1
    except BaseException:  # noqa: BLE001 - whatever a candidate raises is its failure
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(folder: str, commands: list[list[str]], log: str, timeout: int) -> dict[str, float]:
    """Run the commands one after the other until one fails; seconds are of all of them."""
    wall, cpu, code = 0.0, 0.0, 0
    for argv in commands:
        began = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            child(folder, argv, log, timeout)
        _, status, used = os.wait4(pid, 0)
        wall += time.perf_counter() - began
        cpu += used.ru_utime + used.ru_stime
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            break
    return {"code": code, "wall": wall, "cpu": cpu}


def main() -> None:
    """Serve until stdin ends."""
    sys.dont_write_bytecode = True
    for name in PRELOAD.split():
        importlib.import_module(f"sklearn.{name}")
    gc.freeze()  # what was imported stays shared with the children
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(json.dumps(run(**json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
