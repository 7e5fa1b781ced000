"""What the models put out."""
