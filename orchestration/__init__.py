"""Wires, schedules and observes the platform with Dagster; decides nothing about data."""
