"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says something of the machine and nothing of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

INTEGRATION = Path(__file__).with_name("integration")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keeps together, when processes share the tests, what shares fixtures that take long.

    A file's tests do, and those of a folder of integration/, which has one modelled warehouse.
    """
    folder = item.path.parent
    together = folder if folder.parent == INTEGRATION else item.path
    item.add_marker(pytest.mark.xdist_group(str(together.relative_to(INTEGRATION.parent))))
