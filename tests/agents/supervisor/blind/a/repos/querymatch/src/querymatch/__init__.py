"""Duplicate question matching."""
__version__ = "0.3.1"
