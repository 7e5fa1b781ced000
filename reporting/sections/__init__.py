"""Rows of numbers in, sections of a page out. Reads nothing: what it is given is all there is."""
