"""Candidate models behind one interface."""
