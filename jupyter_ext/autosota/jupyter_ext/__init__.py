"""The JupyterLab face: protocol only, no decisions. Empty until its issue is built."""
