"""Dagster objects only; what they share is in orchestration/lib."""
