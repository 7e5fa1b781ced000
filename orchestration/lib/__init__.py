"""Helpers that the Dagster objects share."""
