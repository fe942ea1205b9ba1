"""Synthetic campaigns: no training, numbers drawn from known distributions."""
