"""Leaf disease recognition from phone photographs."""

__version__ = "0.3.0"
