"""The search bench: small repositories, a warm process that runs them, and three ways to search."""
