"""Jupyter kernels in containers: a provisioner that every Jupyter client can use.

How the engine is spoken to is the business of `server/containers`; what a notebook means is not
known here. Nothing a kernel says is believed: it runs code that nobody has judged.
"""
