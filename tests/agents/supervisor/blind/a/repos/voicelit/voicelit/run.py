"""Emotion recognition from speech, PyTorch Lightning."""
import json
import sys
from pathlib import Path

import lightning.pytorch as pl
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from voicelit.corpus import EmotionData
from voicelit.system import EmotionSystem

DEFAULTS = {"seed": 0, "out": "runs/x", "epochs": 40, "lr": 5e-4, "hidden": 128, "batch": 32}


def options(argv):
    opts = dict(DEFAULTS)
    for item in argv:
        key, _, value = item.partition("=")
        opts[key] = type(DEFAULTS[key])(value)
    return opts


def main(argv=None):
    o = options(sys.argv[1:] if argv is None else argv)
    pl.seed_everything(o["seed"], workers=True)
    data = EmotionData(batch=o["batch"])
    system = EmotionSystem(hidden=o["hidden"], lr=o["lr"], epochs=o["epochs"])
    keep = ModelCheckpoint(dirpath=o["out"], monitor="valid/uar", mode="max", save_top_k=1)
    stop = EarlyStopping(monitor="valid/uar", mode="max", patience=8)
    trainer = pl.Trainer(max_epochs=o["epochs"], callbacks=[keep, stop], logger=False,
                         default_root_dir=o["out"], deterministic=True)
    trainer.fit(system, datamodule=data)
    summary = {}
    summary.update(trainer.validate(system, datamodule=data, ckpt_path="best")[0])
    summary.update(trainer.test(system, datamodule=data, ckpt_path="best")[0])
    Path(o["out"], "summary.json").write_text(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
