"""Survival after operation, from a registry of five hospitals."""
