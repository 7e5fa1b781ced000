"""What the API answers to a GET: lists, and errors."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from demo.stores.square.model import Payment, Refund, Seller

Json = dict[str, Any]

#: A page holds fewer than are asked for, as the documents allow, and isn't the last for that.
MOST, SHORT = 100, 40

#: The documents say that a cursor isn't good for long, not for how long.
CURSOR_LIVES = timedelta(minutes=5)

#: Units of a currency's smallest: JPY has no smaller one.
_UNITS = {"JPY": 1}

_PARAMS = {
    *("begin_time", "end_time", "updated_at_begin_time", "updated_at_end_time"),
    *("sort_order", "sort_field", "cursor", "location_id", "limit"),
}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, category: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.body: Json = {"errors": [{"category": category, "code": code, "detail": detail}]}


def refused(code: str, detail: str) -> ApiError:
    """Builds the error of a request that can't be answered as it stands."""
    return ApiError(400, "INVALID_REQUEST_ERROR", code, detail)


def locations(seller: Seller, given: Mapping[str, str]) -> Json:
    """Answers with all locations, whose list has no pages."""
    if given:
        raise refused("BAD_REQUEST", f"Unknown parameters: {', '.join(given)}")
    return {
        "locations": [
            {
                "id": each.id,
                "name": each.name,
                "currency": each.currency,
                "status": "ACTIVE" if each.active else "INACTIVE",
                "type": "PHYSICAL",
            }
            for each in seller.locations
        ]
    }


def payments(seller: Seller, given: Mapping[str, str]) -> Json:
    """Answers with payments of one location, by default the main one."""
    location = given.get("location_id", seller.locations[0].id)
    found = [each for each in seller.payments.values() if each.location == location]
    return _page(seller, "payments", found, given, _payment)


def refunds(seller: Seller, given: Mapping[str, str]) -> Json:
    """Answers with refunds, by default of all locations."""
    location = given.get("location_id")
    found = [each for each in seller.refunds.values() if location in {None, each.location}]
    return _page(seller, "refunds", found, given, _refund)


def _page(
    seller: Seller,
    name: str,
    found: list[Any],
    given: Mapping[str, str],
    write: Callable[[Any], Json],
) -> Json:
    if unknown := given.keys() - _PARAMS:
        raise refused("BAD_REQUEST", f"Unknown parameters: {', '.join(sorted(unknown))}")
    begin = _moment(given, "begin_time") or seller.now - timedelta(days=365)
    end = _moment(given, "end_time") or seller.now
    changed = _moment(given, "updated_at_begin_time") or begin
    until = _moment(given, "updated_at_end_time") or seller.now
    by_change = given.get("sort_field", "CREATED_AT") == "UPDATED_AT"
    found = [
        each for each in found if begin <= each.created <= end and changed <= each.updated <= until
    ]
    found.sort(
        key=lambda each: (each.updated if by_change else each.created, each.id),
        reverse=given.get("sort_order", "DESC") != "ASC",
    )
    start = _place(seller, name, given)
    size = min(SHORT, int(given.get("limit", MOST)))
    page = found[start : start + size]
    # An empty list isn't written at all.
    answer: Json = {name: [write(each) for each in page]} if page else {}
    if start + size < len(found):
        answer["cursor"] = _cursor(seller, name, given, start + size)
    return answer


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    if name not in given:
        return None
    try:
        at = datetime.fromisoformat(given[name])
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise refused("INVALID_TIME", f"`{name}` is not a valid RFC 3339 timestamp.")
    return at.astimezone(UTC)


def _asked(name: str, given: Mapping[str, str]) -> str:
    """What a cursor belongs to: it can't be used for another question."""
    rest = sorted((key, value) for key, value in given.items() if key != "cursor")
    return hashlib.sha256(json.dumps([name, rest]).encode()).hexdigest()[:16]


def _cursor(seller: Seller, name: str, given: Mapping[str, str], place: int) -> str:
    parts = [place, _asked(name, given), seller.now.isoformat()]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _place(seller: Seller, name: str, given: Mapping[str, str]) -> int:
    """Reads how far a list was read; what changes meanwhile makes pages drift."""
    if "cursor" not in given:
        return 0
    try:
        place, asked, made = json.loads(base64.urlsafe_b64decode(given["cursor"]))
        fresh = seller.now - datetime.fromisoformat(made) <= CURSOR_LIVES
    except (ValueError, TypeError):
        fresh, asked, place = False, "", 0
    if not fresh or asked != _asked(name, given):
        raise refused("INVALID_CURSOR", "The pagination cursor is invalid.")
    return int(place)


def _money(amount: Decimal, currency: str) -> Json:
    return {"amount": int(amount * _UNITS.get(currency, 100)), "currency": currency}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _payment(it: Payment) -> Json:
    written: Json = {
        "id": it.id,
        "created_at": _time(it.created),
        "updated_at": _time(it.updated),
        "amount_money": _money(it.amount, it.currency),
        "total_money": _money(it.total, it.currency),
        "status": it.status,
        "source_type": it.source,
        "location_id": it.location,
        "order_id": f"order{it.id}",
        "version_token": hashlib.sha256(f"{it.id}{it.updated}".encode()).hexdigest()[:20],
    }
    if it.source == "CARD":
        written["card_details"] = {"status": "CAPTURED", "card": {"card_brand": "VISA"}}
        written["approved_money"] = _money(it.total, it.currency)
    if it.tip:
        written["tip_money"] = _money(it.tip, it.currency)
    if it.email:
        written["buyer_email_address"] = it.email
    if it.refunds:
        written["refund_ids"] = list(it.refunds)
        written["refunded_money"] = _money(it.refunded, it.currency)
    if it.fees:
        written["processing_fee"] = [
            {
                "effective_at": _time(each.at),
                "type": each.type,
                "amount_money": _money(each.amount, it.currency),
            }
            for each in it.fees
        ]
    return written


def _refund(it: Refund) -> Json:
    return {
        "id": it.id,
        "status": it.status,
        "amount_money": _money(it.amount, it.currency),
        "payment_id": it.payment,
        "order_id": f"order{it.payment}",
        "created_at": _time(it.created),
        "updated_at": _time(it.updated),
        "location_id": it.location,
        "reason": it.reason,
    }
