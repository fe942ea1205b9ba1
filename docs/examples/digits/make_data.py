"""Draw the data: digits as jittered pen strokes on a 16 x 16 grid.

The images are drawn from the stroke templates below, not taken from any published data set,
so no package holds them or their labels. Writes data/ (images, training labels) and labels/
(labels of the validation and test images). The files are the same on every machine.
"""

from pathlib import Path

import numpy as np

SIZE = 16
COUNTS = {"train": 1200, "val": 1000, "test": 2000}


def arc(cx, cy, rx, ry, start, end, points=12):
    """Points on an ellipse; angles in degrees, clockwise from the right, y downwards."""
    angle = np.radians(np.linspace(start, end, points))
    return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], axis=1)


def line(*points):
    return np.array(points, dtype=float)


# Each digit: strokes in a unit square, y downwards.
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


def draw(digit, rng):
    """One image as SIZE x SIZE integers from 0 to 255."""
    turn = np.radians(rng.normal(0, 7))
    shear, widen, heighten = rng.normal(0, 0.1), rng.normal(1, 0.1), rng.normal(1, 0.08)
    shape = np.array([[widen, shear], [0.0, heighten]]) @ np.array(
        [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    )
    shift = rng.normal(0, 0.035, 2)
    pen = abs(rng.normal(0.06, 0.012)) + 0.02
    bend = rng.normal(0, 0.03, (2, 2, 2))
    axis = (np.arange(SIZE) + 0.5) / SIZE
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 1, 2)
    ink = np.zeros(SIZE * SIZE)
    for stroke in STROKES[digit]:
        points = stroke + rng.normal(0, 0.013, stroke.shape)
        wave = sum(
            bend[k] @ np.array([np.sin((k + 1) * np.pi * points[:, 1]),
                                np.sin((k + 1) * np.pi * points[:, 0])])
            for k in range(2)
        )  # fmt: skip
        points = (points + wave.T - 0.5) @ shape.T + 0.5 + shift
        start, end = points[:-1], points[1:]
        step = end - start
        length = np.maximum((step**2).sum(1), 1e-9)
        along = np.clip(((grid - start) * step).sum(2) / length, 0, 1)
        gap = np.sqrt((((start + along[..., None] * step) - grid) ** 2).sum(2)).min(1)
        ink = np.maximum(ink, np.exp(-((gap / pen) ** 2)))
    image = ink * rng.uniform(0.6, 1.0) + rng.normal(0, 0.12, SIZE * SIZE)
    return np.clip(np.round(image * 255), 0, 255).astype(np.uint8)


def main():
    here = Path(__file__).parent
    rng = np.random.default_rng(20240611)
    for folder in ("data", "labels"):
        (here / folder).mkdir(exist_ok=True)
    for name, count in COUNTS.items():
        digits = rng.integers(0, 10, count)
        images = np.stack([draw(int(d), rng) for d in digits])
        np.save(here / "data" / f"{name}_images.npy", images)
        place = "data/train_labels.csv" if name == "train" else f"labels/{name}.csv"
        (here / place).write_text("digit\n" + "".join(f"{d}\n" for d in digits))


if __name__ == "__main__":
    main()
