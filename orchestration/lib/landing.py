"""What every landing asset shares: which failures are tried again, and how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

#: A source that is down for a minute is waited for; what has to be mended first isn't retried.
LANDING_RETRIES = dg.RetryPolicy(
    max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@contextmanager
def landing() -> Iterator[None]:
    """Turns the source's own error into a failure that isn't retried.

    The sources retry by themselves what may pass; what they give up on says what to do.

    Raises:
        dagster.Failure: The source can't be landed.
    """
    from ingestion.errors import SourceError

    try:
        yield
    except SourceError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
