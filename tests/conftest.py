"""What all tests share."""

from pathlib import PurePosixPath

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# How long an example takes says something of the machine and nothing of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

INTEGRATION = PurePosixPath("tests/integration")


class LoadFixturesScheduling(LoadFileScheduling):
    """Keeps together, when processes share the tests, what shares fixtures that take long.

    A file's tests do, and those of a folder of integration/, which has one modelled warehouse.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.split("::", 1)[0])
        return str(file.parent if file.parent.parent == INTEGRATION else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFixturesScheduling:
    """Gives out the tests (xdist's own groups need ids that pytest 9.2 doesn't let it change)."""
    return LoadFixturesScheduling(config, log)
