"""Fraud detection on tabular data."""
