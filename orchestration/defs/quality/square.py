"""Blocking checks on what landed from Square: Great Expectations, and days that are read again."""

from orchestration.defs.ingestion.square import SQUARE

checks = SQUARE.checks()
