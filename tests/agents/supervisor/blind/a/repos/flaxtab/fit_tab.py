"""Energy use of buildings, a small MLP in flax."""
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags, logging
from flax import linen as nn
from flax.training import train_state

FLAGS = flags.FLAGS
flags.DEFINE_integer("seed", 0, "random seed of the model")
flags.DEFINE_string("logdir", "/tmp/tab", "where to write")
flags.DEFINE_string("table", "data/buildings.npy", "last column is the target in kWh")
flags.DEFINE_integer("steps", 4000, "gradient steps")
flags.DEFINE_integer("batch", 128, "batch size")
flags.DEFINE_float("lr", 1e-3, "learning rate")


class MLP(nn.Module):
    widths: tuple = (128, 128)

    @nn.compact
    def __call__(self, x, train=False):
        for w in self.widths:
            x = nn.relu(nn.Dense(w)(x))
            x = nn.Dropout(0.1, deterministic=not train)(x)
        return nn.Dense(1)(x)[:, 0]


def three_way(table):
    order = np.random.RandomState(90210).permutation(len(table))
    a, b = int(0.7 * len(table)), int(0.85 * len(table))
    return table[order[:a]], table[order[a:b]], table[order[b:]]


class Standard:
    """Zero mean, unit spread, statistics of the rows it was made from."""

    def __init__(self, rows):
        self.mu, self.sd = rows.mean(0), rows.std(0) + 1e-8

    def split(self, rows):
        z = (rows - self.mu) / self.sd
        return z[:, :-1], z[:, -1]

    def target(self, z):
        return z * self.sd[-1] + self.mu[-1]


def rmse(state, standard, rows):
    x, _ = standard.split(rows)
    guess = standard.target(np.asarray(state.apply_fn({"params": state.params}, x)))
    return float(np.sqrt(np.mean((guess - rows[:, -1]) ** 2)))


@jax.jit
def update(state, x, y, key):
    def objective(params):
        out = state.apply_fn({"params": params}, x, train=True, rngs={"dropout": key})
        return jnp.mean((out - y) ** 2)

    loss, grads = jax.value_and_grad(objective)(state.params)
    return state.apply_gradients(grads=grads), loss


def main(_):
    rng = np.random.default_rng(FLAGS.seed)
    key = jax.random.PRNGKey(FLAGS.seed)
    train, val, test = three_way(np.load(FLAGS.table).astype(np.float32))
    standard = Standard(train)
    x, y = standard.split(train)

    model = MLP()
    params = model.init(key, x[:1])["params"]
    tx = optax.adam(FLAGS.lr)
    state = train_state.TrainState.create(apply_fn=model.apply, params=params, tx=tx)
    best = (np.inf, state)
    for i in range(FLAGS.steps):
        key, sub = jax.random.split(key)
        pick = rng.integers(len(x), size=FLAGS.batch)
        state, loss = update(state, x[pick], y[pick], sub)
        if (i + 1) % 200 == 0:
            now = rmse(state, standard, val)
            logging.info("step %d loss %.4f val %.4f", i + 1, float(loss), now)
            best = min(best, (now, state), key=lambda pair: pair[0])

    out = pathlib.Path(FLAGS.logdir)
    out.mkdir(parents=True, exist_ok=True)
    final = {"val_rmse": best[0], "test_rmse": rmse(best[1], standard, test)}
    (out / "final.json").write_text(json.dumps(final))


if __name__ == "__main__":
    app.run(main)
