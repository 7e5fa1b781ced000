"""Lands what the stores know in Postgres, with dlt and without Dagster."""
