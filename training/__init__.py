"""Training: recipes for learned stages."""
