"""Whether what the models see and say is still what it was."""
