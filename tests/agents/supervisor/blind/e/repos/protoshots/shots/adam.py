import numpy as np


def init(params):
    return [[(np.zeros_like(w), np.zeros_like(b)) for w, b in params] for _ in range(2)] + [0]


def update(params, grads, state, lr, beta1=0.9, beta2=0.999):
    m, v, t = state
    t += 1
    m = [tuple(beta1 * a + (1 - beta1) * g for a, g in zip(p, q)) for p, q in zip(m, grads)]
    v = [tuple(beta2 * a + (1 - beta2) * g ** 2 for a, g in zip(p, q)) for p, q in zip(v, grads)]
    new = [tuple(x - lr * (a / (1 - beta1 ** t)) / (np.sqrt(b / (1 - beta2 ** t)) + 1e-8)
                 for x, a, b in zip(p, pm, pv)) for p, pm, pv in zip(params, m, v)]
    return new, [m, v, t]
