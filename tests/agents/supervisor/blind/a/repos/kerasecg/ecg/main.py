"""Detect atrial fibrillation on twelve-lead ECG."""
import argparse
import json
import os

import numpy as np
from tensorflow import keras

from ecg.clinical import auc, sensitivity_at
from ecg.network import build


def load(config):
    archive = np.load(config["records"])
    signals, target, fold = archive["signals"].astype("float32"), archive["afib"], archive["fold"]
    held = (fold == config["fold_test"]) | (fold == config["fold_val"])
    centre = signals[~held].mean(axis=(0, 1))
    spread = signals[~held].std(axis=(0, 1)) + 1e-6
    signals = (signals - centre) / spread

    def part(mask):
        return signals[mask], target[mask]

    return (part(~held), part(fold == config["fold_val"]), part(fold == config["fold_test"]))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--config", default="configs/base.json")
    ap.add_argument("--run-dir", default="runs/tmp")
    ap.add_argument("--seed", type=int, default=1)
    ns = ap.parse_args()
    with open(ns.config) as fh:
        config = json.load(fh)
    keras.utils.set_random_seed(ns.seed)
    os.makedirs(ns.run_dir, exist_ok=True)

    train, val, test = load(config)
    net = build(train[0].shape[-1], config["filters"], config["kernel"])
    net.compile(
        optimizer=keras.optimizers.Adam(config["learning_rate"]),
        loss="binary_crossentropy",
        metrics=[keras.metrics.AUC(name="auc")],
    )
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            os.path.join(ns.run_dir, "net.keras"), monitor="val_auc", mode="max", save_best_only=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=3, factor=0.3),
    ]
    net.fit(*train, validation_data=val, epochs=config["epochs"],
            batch_size=config["batch_size"], callbacks=callbacks, verbose=2)
    net = keras.models.load_model(os.path.join(ns.run_dir, "net.keras"))

    val_prob = net.predict(val[0], batch_size=256, verbose=0)
    test_prob = net.predict(test[0], batch_size=256, verbose=0)
    np.save(os.path.join(ns.run_dir, "test_prob.npy"), test_prob)
    print(f"METRIC val_auc={auc(val[1], val_prob):.5f}")
    print(f"METRIC test_sensitivity_at_95spec={sensitivity_at(test[1], test_prob, config['specificity']):.5f}")


if __name__ == "__main__":
    main()
