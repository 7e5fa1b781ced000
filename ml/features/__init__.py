"""Features: what a model is told about a customer."""
