"""The demo data, made by a process of its own."""
