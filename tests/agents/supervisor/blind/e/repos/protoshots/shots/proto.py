"""Prototypical networks (Snell et al. 2017): nearest mean of the shown images."""
import numpy as np

from shots import net


def distances(q, proto):
    return ((q[:, None] - proto[None]) ** 2).sum(axis=2)


def classify(params, support, query, ways):
    s, q = net.apply(params, support)[0], net.apply(params, query)[0]
    return -distances(q, s.reshape(ways, -1, s.shape[1]).mean(axis=1))


def loss_and_grad(params, support, query, target, ways):
    x = np.concatenate([support, query])
    e, kept = net.apply(params, x)
    n = len(support)
    k = n // ways
    proto, q = e[:n].reshape(ways, k, -1).mean(axis=1), e[n:]
    logit = -distances(q, proto)
    p = np.exp(logit - logit.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(target)), target] + 1e-12).mean()
    p[np.arange(len(target)), target] -= 1
    p /= len(target)
    gap = q[:, None] - proto[None]
    grad_q = (-2 * p[:, :, None] * gap).sum(axis=1)
    grad_proto = (2 * p[:, :, None] * gap).sum(axis=0)
    grad = np.concatenate([np.repeat(grad_proto / k, k, axis=0), grad_q])
    return loss, net.backward(params, kept, grad)
