"""What of a landed row says who somebody is, and what stays of it once they are erased.

Belongs here: the words with which tables declare it, and what each makes of a value. Does not
belong here: which columns there are (`sources/<name>/tables.py`), and whose rows (`erasure.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

#: What a column may name: a person by the address itself, or an account or a row of a table.
EMAIL_ADDRESS = "email"
ACCOUNTS = "customers"

#: How an address is told from the text around it.
ADDRESS = re.compile(r"[^\s\"'<>()\[\]{},;:=&?/\\|@]+@[^\s\"'<>()\[\]{},;:=&?/\\|@]+\.\w+")

#: Fields in which two words or more are somebody's.
_WHOLE = re.compile(r"^name$|address|street|line1")
_SHORTEST_NUMBER = 7

#: A column's name that makes a reader think of a person: it has to be declared.
LOOKS_PERSONAL = re.compile(
    r"mail|phone|name|address|billing|shipping|city|zip|postcode|province|state|country|locale"
    r"|note|description|message|reason|meta|tags|journey|details|evidence|reference|parent|user"
)


@dataclass(frozen=True)
class Personal:
    """What becomes of a column in the rows of somebody who is erased.

    Attributes:
        kind: email (its hash stays, so that its orders stay one customer's), erased (null), parts
            (JSON of which only places stay), or kept.
        places: Of parts: keys of an object, separated by points, or keys of a list's elements.
        why: Of kept: why it says nothing of the person, or is needed.
    """

    kind: str
    places: tuple[str, ...] = ()
    why: str = ""

    def of(self, value: str | None, hashes: Mapping[str, str]) -> str | None:
        """Returns what stays of a value.

        Args:
            value: As text; JSON too.
            hashes: Keyed hash by address.
        """
        if value is None or self.kind == "kept":
            return value
        if self.kind == "email":
            return pseudonym(hashes[value]) if value.strip() else value
        if self.kind == "parts":
            return _dumped(_parts(orjson.loads(value), self.places))
        return None


EMAIL = Personal("email")
ERASED = Personal("erased")


def only(*places: str) -> Personal:
    """Declares JSON of which some places stay."""
    return Personal("parts", places)


def kept(why: str) -> Personal:
    """Declares a column that stays although its name looks personal."""
    return Personal("kept", why=why)


@dataclass(frozen=True)
class PersonalTable:
    """A landed table as erasure and export see it.

    Attributes:
        name: Of the table.
        owners: Columns that say whose a row is, each with what it names: an e-mail address, an
            account, or a row of another table of the source.
        columns: What becomes of each column that says who somebody is.
        account: Columns of the account's id and of its own e-mail, which belong to one person;
            None where rows are no accounts.
        key: The column by which other tables name a row, None where none does.
        paths: Where a column's value stands in what the API or file says, by column.
    """

    name: str
    owners: tuple[tuple[str, str], ...]
    columns: Mapping[str, Personal]
    account: tuple[str, str] | None = None
    key: str | None = None
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def named(self) -> tuple[tuple[str, str], ...]:
        """Columns by which a row is found to be somebody's, its own key included."""
        own = ((self.key, self.name),) if self.key else ()
        return (*dict.fromkeys((*self.owners, *own)),)

    @cached_property
    def bought_under(self) -> tuple[str, str] | None:
        """Columns of the account and of the e-mail typed with a purchase, if rows have both."""
        by_kind = {kind: column for column, kind in self.owners}
        if self.account or not {ACCOUNTS, EMAIL_ADDRESS} <= by_kind.keys():
            return None
        return by_kind[ACCOUNTS], by_kind[EMAIL_ADDRESS]


def pseudonym(email_hash: str) -> str:
    """Returns the address that stands for one that was erased: the same for the same person."""
    return f"erased-{email_hash}@erased.invalid"


def normal(email: str) -> str:
    """Returns an address as addresses are compared."""
    return email.strip(" ").lower()


def addresses(text: str) -> list[str]:
    """Finds the e-mail addresses in a text."""
    return ADDRESS.findall(text)


def without(text: str, replacement: Callable[[str], str | None]) -> str:
    """Replaces addresses in a text.

    Args:
        text: The text.
        replacement: From an address to what stands in its place; None where it stays.
    """
    return ADDRESS.sub(lambda found: replacement(found.group()) or found.group(), text)


def telling(value: Any, key: str = "") -> set[str]:
    """Returns what in a row tells a person apart wherever it stands.

    Args:
        value: A row of personal columns, or something in it.
        key: Under which it stands.
    """
    if isinstance(value, dict):
        found = {word for key, each in value.items() for word in telling(each, key)}
        if value.get("first_name") and value.get("last_name"):
            found.add(f"{value['first_name']} {value['last_name']}")
        return found
    if isinstance(value, list):
        return {word for each in value for word in telling(each, key)}
    text = value.strip() if isinstance(value, str) else ""
    # A first name alone, or a town, is many people's.
    is_theirs = (
        "@" in text
        or ("phone" in key and sum(map(str.isdigit, text)) >= _SHORTEST_NUMBER)
        or (_WHOLE.search(key) is not None and " " in text)
    )
    return {text} if is_theirs else set()


def _parts(value: Any, places: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, dict) and each.get("key") in places]
    left: dict[str, Any] = {}
    for place in places:
        *outer, last = place.split(".")
        inner = value
        for key in outer:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and inner.get(last) is not None:
            branch = left
            for key in outer:
                branch = branch.setdefault(key, {})
            branch[last] = inner[last]
    return left or None


def _dumped(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
