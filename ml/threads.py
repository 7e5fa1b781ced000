"""How many threads the arithmetic takes: one.

Everything here works on small matrices, for which a second thread costs more than it brings: a fit
of four parameters takes six times as long while BLAS' threads wait for one another. Companies are
scored side by side instead. It also keeps sums in one order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

Params = ParamSpec("Params")
Result = TypeVar("Result")


def one_thread(function: Callable[Params, Result]) -> Callable[Params, Result]:
    """Has a function compute on one thread, whatever the installation sets."""

    @wraps(function)
    def limited(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            return function(*args, **kwargs)

    return limited
