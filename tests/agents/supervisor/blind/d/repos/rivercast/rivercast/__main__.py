import argparse
from pathlib import Path

import numpy as np
import torch

from . import gauges
from .fit import simulate, train
from .net import FlowGRU
from .skill import mean_nse
from .windows import Scaler, pairs


def main():
    ap = argparse.ArgumentParser(prog="rivercast")
    ap.add_argument("--gauges", default="gauges")
    ap.add_argument("--save", default="run")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--epochs", type=int, default=20)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--batch", type=int, default=256)
    ap.add_argument("--hidden", type=int, default=48)
    a = ap.parse_args()
    np.random.seed(a.seed)
    torch.manual_seed(a.seed)

    stations = gauges.read_all(a.gauges)
    scaler = Scaler(stations)
    data = {part: {s: pairs(df, part, scaler) for s, df in stations.items()} for part in ("train", "val", "test")}

    net = FlowGRU(n_in=len(gauges.FORCING) + 1, hidden=a.hidden)
    val = train(net, data["train"], data["val"], scaler, a.epochs, a.lr, a.batch, a.seed)
    test = mean_nse(simulate(net, data["test"], scaler))

    save = Path(a.save)
    save.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), save / "flow_gru.pt")
    print(f"METRIC val_nse={val:.5f}")
    print(f"METRIC test_nse={test:.5f}")


if __name__ == "__main__":
    main()
