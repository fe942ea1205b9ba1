import sys
import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

def init(key, sizes):
    keys = jax.random.split(key, len(sizes))
    return [(jax.random.normal(k, (m, n)) * jnp.sqrt(2 / m), jnp.zeros(n)) for k, m, n in zip(keys, sizes[:-1], sizes[1:])]

def logits(params, x):
    for w, b in params[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = params[-1]
    return x @ w + b

def loss(params, x, y):
    lp = jax.nn.log_softmax(logits(params, x))
    return -jnp.mean(lp[jnp.arange(len(y)), y])

@jax.jit
def step(params, x, y, lr):
    grads = jax.grad(loss)(params, x, y)
    return [(w - lr * dw, b - lr * db) for (w, b), (dw, db) in zip(params, grads)]

def accuracy(params, x, y):
    return float(jnp.mean(jnp.argmax(logits(params, x), axis=1) == y))

def main(seed):
    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    xtr, xte, ytr, yte = train_test_split(x, y, test_size=0.25, random_state=0)
    xtr, xva, ytr, yva = train_test_split(xtr, ytr, test_size=0.25, random_state=0)
    params = init(jax.random.PRNGKey(seed), [64, 128, 10])
    rng = np.random.default_rng(seed)
    for epoch in range(30):
        order = rng.permutation(len(xtr))
        for i in range(0, len(xtr), 64):
            idx = order[i:i + 64]
            params = step(params, xtr[idx], ytr[idx], 0.1)
    print(f"METRIC val_acc={accuracy(params, xva, yva):.4f}")
    print(f"METRIC test_acc={accuracy(params, xte, yte):.4f}")

if __name__ == "__main__":
    main(int(sys.argv[1]))
