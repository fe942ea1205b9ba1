"""Draw the data: digits as bent, jittered pen strokes on a grid of 16 x 16 pixels.

The images come from the stroke templates below and not from any published data set, so no
package holds them or their labels. Writes data/ (images of all parts, training labels) and
labels/ (validation and test labels), the same files each time. Validation and test images are
drawn with the seed in labels/seed.txt, so without labels/ nobody can draw them again.
"""

import argparse
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SIZE = 16
COUNTS = {"train": 1200, "val": 1000, "test": 2000}
TRAIN_SEED = 0


def arc(cx, cy, rx, ry, start, end, points=12):
    """Points on an ellipse; angles in degrees, clockwise from the right, y downwards."""
    angle = np.radians(np.linspace(start, end, points))
    return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], axis=1)


def line(*points):
    """The corners of a polyline."""
    return np.array(points, dtype=float)


# Strokes of each digit in the unit square, y downwards.
STROKES = {
    0: [arc(0.5, 0.5, 0.26, 0.38, 0, 360, 20)],
    1: [line((0.35, 0.28), (0.52, 0.12), (0.52, 0.88))],
    2: [np.vstack([arc(0.5, 0.33, 0.24, 0.2, 180, 380), line((0.28, 0.86), (0.76, 0.86))])],
    3: [arc(0.47, 0.31, 0.22, 0.19, 200, 440), arc(0.47, 0.68, 0.25, 0.2, 280, 520)],
    4: [line((0.6, 0.12), (0.24, 0.62), (0.78, 0.62)), line((0.6, 0.12), (0.6, 0.88))],
    5: [
        line((0.72, 0.13), (0.34, 0.13), (0.31, 0.45)),
        np.vstack([line((0.31, 0.45)), arc(0.48, 0.64, 0.24, 0.22, 250, 510)]),
    ],
    6: [np.vstack([line((0.62, 0.12)), arc(0.49, 0.64, 0.22, 0.23, 200, 560, 18)])],
    7: [line((0.26, 0.14), (0.74, 0.14), (0.44, 0.88))],
    8: [arc(0.5, 0.31, 0.19, 0.18, 0, 360, 16), arc(0.5, 0.68, 0.23, 0.2, 0, 360, 16)],
    9: [np.vstack([arc(0.51, 0.36, 0.21, 0.22, 0, 360, 16), line((0.68, 0.5), (0.6, 0.88))])],
}


def bend(points, strength):
    """Push points sideways by slow waves; `strength` has shape (2 waves, 2 axes, 2)."""
    moved = points.copy()
    for k, weights in enumerate(strength, start=1):
        waves = np.sin(k * np.pi * points[:, ::-1])
        moved += waves @ weights.T
    return moved


def distance(grid, points):
    """How far each place of the grid, shape (n, 2), is from a polyline."""
    start, step = points[:-1], np.diff(points, axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-9)
    offset = grid[:, None] - start
    along = np.clip((offset * step).sum(axis=2) / length, 0, 1)
    return np.sqrt(((offset - along[..., None] * step) ** 2).sum(axis=2)).min(axis=1)


def draw(digit, rng):
    """One image, SIZE x SIZE integers from 0 to 255, as a row."""
    turn = np.radians(rng.normal(0, 7))
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    scale = np.array([[rng.normal(1, 0.1), rng.normal(0, 0.1)], [0, rng.normal(1, 0.08)]])
    shift = rng.normal(0, 0.035, 2)
    strength = rng.normal(0, 0.03, (2, 2, 2))
    pen = 0.02 + abs(rng.normal(0.06, 0.012))

    axis = (np.arange(SIZE) + 0.5) / SIZE
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    ink = np.zeros(len(grid))
    for stroke in STROKES[digit]:
        points = bend(stroke + rng.normal(0, 0.013, stroke.shape), strength)
        points = (points - 0.5) @ (scale @ rotate).T + 0.5 + shift
        ink = np.maximum(ink, np.exp(-((distance(grid, points) / pen) ** 2)))
    image = ink * rng.uniform(0.6, 1.0) + rng.normal(0, 0.12, len(grid))
    return np.clip(np.round(image * 255), 0, 255).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description="draw the data sets again")
    parser.add_argument("--to", type=Path, default=HERE, help="the folder for data/ and labels/")
    args = parser.parse_args()
    secret = int((HERE / "labels" / "seed.txt").read_text(), 16)
    seeds = {"train": TRAIN_SEED, "val": [secret, 1], "test": [secret, 2]}
    for folder in ("data", "labels"):
        (args.to / folder).mkdir(parents=True, exist_ok=True)
    for part, count in COUNTS.items():
        rng = np.random.default_rng(seeds[part])
        digits = rng.integers(0, 10, count)
        images = np.stack([draw(digit, rng) for digit in digits.tolist()])
        np.save(args.to / "data" / f"{part}_images.npy", images)
        labels = "data/train_labels.csv" if part == "train" else f"labels/{part}.csv"
        text = "digit\n" + "".join(f"{digit}\n" for digit in digits)
        (args.to / labels).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
