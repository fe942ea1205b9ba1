"""Published ideas over scikit-learn code, one module per family."""
