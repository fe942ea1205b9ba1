"""The MNIST-1D baseline against the paper's number: a real campaign of baseline runs only."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from autosota.server.host import Host, RunOptions

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "mnist1d"


def main() -> None:
    """Run the five baseline seeds and print mean, interval and difference."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "mnist1d"
        shutil.copytree(EXAMPLE, root)
        host = Host.find(root)
        only_baseline = RunOptions(max_evaluations=len(host.objective().seeds))
        with host.start(only_baseline, lambda note: print(note)) as campaign:
            state = campaign.drive()
    measured = state.baseline
    if measured is None or measured.paper_value is None:
        print(f"not measured: {state.finished.reason if state.finished else 'stopped'}")
        return
    low, high, paper = measured.claim_low, measured.claim_high, measured.paper_value
    assert low is not None and high is not None
    print(f"seeds {measured.seeds}, {measured.seconds_per_run:.1f} s a run (median)")
    print(f"paper          {paper:.4f}")
    print(f"reproduced     {measured.claim_mean:.4f}   (95 % interval {low:.4f} to {high:.4f})")
    print(
        f"difference    {measured.claim_mean - paper:+.4f}   "
        f"({low - paper:+.4f} to {high - paper:+.4f})"
    )


if __name__ == "__main__":
    main()
