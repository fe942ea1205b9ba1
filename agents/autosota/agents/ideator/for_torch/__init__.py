"""Published ideas over PyTorch code, one module per family."""
