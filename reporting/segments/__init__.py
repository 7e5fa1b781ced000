"""Segments that people define in segments.yml, and the tables that hold their customers."""
