"""What is asked for in an address: period, channel, country, product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from reporting.metrics.company import Choices, CompanyFacts
from reporting.metrics.scope import Scope

#: Periods to choose from, in days back from the last day of data; None is all of it.
PERIODS: dict[str, tuple[str, int | None]] = {
    "30d": ("Last 30 days", 30),
    "90d": ("Last 90 days", 90),
    "365d": ("Last 365 days", 365),
    "all": ("All time", None),
    "own": ("From … to …", None),
}
DEFAULT_PERIOD = "90d"


class FilterError(ValueError):
    """A filter can't be understood; the message says which and why."""


@dataclass(frozen=True)
class Filters:
    """The filters of a page.

    Attributes:
        scope: What they mean.
        period: One of `PERIODS`.
        usual: The one that counts where none is chosen.
        channel: Chosen channel, "" for all; country and product likewise.
    """

    scope: Scope
    period: str
    channel: str = ""
    country: str = ""
    product: str = ""
    usual: str = DEFAULT_PERIOD

    @property
    def start(self) -> date:
        """First day of the period."""
        assert self.scope.start is not None  # noqa: S101
        return self.scope.start

    @property
    def end(self) -> date:
        """Last day of the period."""
        assert self.scope.end is not None  # noqa: S101
        return self.scope.end

    @property
    def chosen(self) -> dict[str, str]:
        """What differs from the defaults, by its name in an address."""
        own = self.period == "own"
        values = {
            "period": "" if self.period == self.usual else self.period,
            "from": self.start.isoformat() if own else "",
            "to": self.end.isoformat() if own else "",
            "channel": self.channel,
            "country": self.country,
            "product": self.product,
        }
        return {name: value for name, value in values.items() if value}

    def query(self, **more: str) -> str:
        """Returns them as the end of an address, with "?" before it; empty for the defaults."""
        text = urlencode(self.chosen | {name: value for name, value in more.items() if value})
        return f"?{text}" if text else ""


def read_filters(
    facts: CompanyFacts,
    choices: Choices,
    query: Mapping[str, str],
    usual: str = DEFAULT_PERIOD,
) -> Filters:
    """Reads the filters of an address.

    Args:
        facts: The company, which has orders.
        choices: What can be chosen.
        query: Names and values.
        usual: The period that counts where none is chosen.

    Raises:
        FilterError: A value is none that can be chosen, or a day is none.
    """
    if facts.first_order_date is None or facts.as_of_date is None:
        raise FilterError(f"{facts.name} has no orders yet, so there is nothing to filter.")
    period = query.get("period") or usual
    if period not in PERIODS:
        raise FilterError(f"{period} is no period; choose one of {', '.join(PERIODS)}.")
    start, end = _days(facts.first_order_date, facts.as_of_date, period, query)
    channel = _chosen("channel", query, choices.channels)
    country = _chosen("country", query, choices.countries)
    product = _chosen("product", query, [key for key, _ in choices.products])
    scope = Scope(
        facts.company_id,
        channel=channel or None,
        country=country or None,
        product=product or None,
        start=start,
        end=end,
    )
    return Filters(scope, period, channel, country, product, usual)


def _days(first: date, last: date, period: str, query: Mapping[str, str]) -> tuple[date, date]:
    days = PERIODS[period][1]
    if period == "own":
        start, end = _day("from", query, first), _day("to", query, last)
        if start > end:
            raise FilterError("The period ends before it begins: change from or to.")
        return start, end
    if days is None:
        return first, last
    # As many days as it says, the last one included.
    return last - timedelta(days=days - 1), last


def _day(name: str, query: Mapping[str, str], default: date) -> date:
    text = query.get(name, "")
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FilterError(f"{name}: {text} is no day; write it as 2026-06-30.") from None


def _chosen(name: str, query: Mapping[str, str], known: Sequence[str]) -> str:
    value = query.get(name, "")
    if value and value not in known:
        raise FilterError(f"{value} is no {name} of this company; choose one from the list.")
    return value
