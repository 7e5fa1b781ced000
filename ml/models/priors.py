"""What is believed of a company of which too little is known for a fit of its own.

A fit takes ten customers who came back. With fewer, the parameters of MBG/NBD are the likeliest
given the company's customers and a prior; the fewer customers, the more it decides. Its centre is
the mean of what other companies were fitted to, where their settings allow that, or `DEFAULT`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

COUNT_PARAMS = ("r", "alpha", "a", "b")
#: Standard deviation of the log of each parameter around the centre: a factor of two up or down.
SPREAD = 0.7


@dataclass(frozen=True)
class Prior:
    """Centre of the prior.

    Attributes:
        r: Shape of the rates' gamma distribution, MBG/NBD.
        alpha: Its inverse scale, weeks.
        a: First shape of the dropout's beta distribution.
        b: Its second.
        p: Of Gamma-Gamma: how alike the orders of one customer are.
        q: How alike the customers are.
        source: Where it comes from, for people.
    """

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    source: str

    def log_counts(self) -> np.ndarray:
        """Returns the logarithms of r, alpha, a, b."""
        return np.log([self.r, self.alpha, self.a, self.b])

    @property
    def order_weight(self) -> float:
        """Weight of one order of a customer against the company's mean: p / (q - 1)."""
        return self.p / (self.q - 1)

    def params(self) -> dict[str, float]:
        """Returns the six parameters by name."""
        return {name: value for name, value in asdict(self).items() if name != "source"}


#: Fitted to the public log of CDNOW, a music shop of 1997: three quarters of its customers never
#: came back, the others ordered every few months.
DEFAULT = Prior(0.525, 6.183, 0.891, 1.614, 6.25, 3.744, "documented defaults")


def pooled(fits: Iterable[Prior]) -> Prior:
    """Returns the centre of several companies' fits: geometric means; `DEFAULT` without any."""
    known = list(fits)
    if not known:
        return DEFAULT
    means = {
        name: float(np.exp(np.mean([np.log(fit.params()[name]) for fit in known])))
        for name in known[0].params()
    }
    # The mean of values above 1 is above 1, so that a mean order value exists.
    count = f"{len(known)} other " + ("company" if len(known) == 1 else "companies")
    return Prior(**means, source=f"fits of {count}")
