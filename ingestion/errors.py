"""The error that people see when a source can't be landed."""

from __future__ import annotations


class SourceError(Exception):
    """A source can't be landed; the message says where and what to do. Nothing has changed."""
