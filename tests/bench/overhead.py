"""What a run costs beyond its command: checkout, sandbox, hashes, receipt and ledger.

Medians over pairs: the bare command and the same command as a run of a real campaign, back to
back, on a repository of twenty files.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autosota.agents.domain import Purpose
from autosota.agents.scheduler.actions import Execute
from autosota.server.host import Host, RunOptions

RUNS = 15
OBJECTIVE = """
[objective]
command = "python run.py --seed {{seed}}"
{evaluate}
metric = "test"
select_on = "val"
seeds = [0]
[environment]
python = "{python}"
"""


def measure(root: Path, seconds: float, evaluate: bool, runs: int) -> tuple[float, float]:
    """Median seconds of the bare commands, and of the same as a run, appended to the ledger."""
    root.mkdir()
    for number in range(20):
        (root / f"module_{number}.py").write_text(f"VALUE = {number}\n")
    (root / "run.py").write_text(
        f"import time\ntime.sleep({seconds})\nprint('METRIC val=0.5')\nprint('METRIC test=0.5')\n"
    )
    (root / "evaluate.py").write_text("print('METRIC val=0.5')\nprint('METRIC test=0.5')\n")
    line = 'evaluate = "python evaluate.py"' if evaluate else ""
    text = OBJECTIVE.format(python=sys.executable, evaluate=line)
    (root / "autosota.toml").write_text(text)
    bare_commands = [[sys.executable, "run.py", "--seed", "0"]]
    bare_commands += [[sys.executable, "evaluate.py"]] * evaluate
    bare, whole = [], []
    with Host.find(root).start(RunOptions(), lambda _note: None) as campaign:
        from autosota.agents.scheduler.decide import next_action

        while not isinstance(action := next_action(campaign.state), Execute):
            campaign._carry_out(action)
        for seed in range(runs):
            began = time.perf_counter()
            for command in bare_commands:
                subprocess.run(command, cwd=root, check=True, capture_output=True)
            middle = time.perf_counter()
            campaign._carry_out(
                Execute(Purpose.BASELINE, "baseline", campaign.state.start.base_commit, seed)
            )
            bare.append(middle - began)
            whole.append(time.perf_counter() - middle)
    return statistics.median(bare), statistics.median(whole)


def main() -> None:
    """Measure and print."""
    print(f"{'':<34}{'bare':>10}{'as a run':>10}{'overhead':>10}   aim")
    with tempfile.TemporaryDirectory() as scratch:
        for evaluate in (False, True):
            name = "command and evaluator" if evaluate else "command only"
            bare, whole = measure(Path(scratch) / name.replace(" ", "-"), 0.0, evaluate, RUNS)
            over = (whole - bare) * 1000
            print(f"{name:<34}{bare:>8.3f} s{whole:>8.3f} s{over:>7.0f} ms   ≤ 300 ms")
        bare, whole = measure(Path(scratch) / "long", 30.0, True, 2)
        share = (whole - bare) / bare
        name = "30-second command, evaluator"
        print(f"{name:<34}{bare:>8.3f} s{whole:>8.3f} s{share:>9.1%}   ≤ 3 %")


if __name__ == "__main__":
    main()
