"""segments.yml as a resource."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from psycopg import Connection

    from reporting.segments.definition import Segment


class SegmentsFile(dg.ConfigurableResource):
    """Reads segments.yml anew each time, so that an edit counts from the next run on.

    Attributes:
        path: The file.
    """

    path: str

    def read(self, connection: Connection[Any]) -> tuple[Segment, ...]:
        """Returns the segments, checked against the columns of reporting.customer_360.

        Raises:
            dagster.Failure: The file has a mistake; retrying won't help. What was published stays.
        """
        from reporting.segments.definition import SegmentsFileError, load_segments
        from reporting.segments.publication import segment_columns

        try:
            return load_segments(Path(self.path), segment_columns(connection))
        except SegmentsFileError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
