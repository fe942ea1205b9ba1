"""Off-policy value: self-normalised inverse propensity score (Swaminathan & Joachims 2015)."""
import numpy as np


def snips(policy, log):
    """policy(context) -> [n, actions] probabilities, rows sum to one"""
    probs = policy(log.context)
    if not np.allclose(probs.sum(axis=1), 1.0, atol=1e-6) or (probs < 0).any():
        raise ValueError("not a distribution over actions")
    weight = probs[np.arange(len(log.action)), log.action] / log.propensity
    return float(np.sum(weight * log.reward) / np.sum(weight))


def effective_size(policy, log):
    probs = policy(log.context)
    weight = probs[np.arange(len(log.action)), log.action] / log.propensity
    return float(weight.sum() ** 2 / np.sum(weight ** 2))
