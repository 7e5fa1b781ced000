"""Who may send files of a company: whoever has its token, or a reader of its personal data."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

import psycopg
from psycopg.conninfo import make_conninfo

from warehouse.connection import url
from warehouse.settings import Settings, source_variable

#: Section of the token in .dlt/secrets.toml, and first word of its variable.
SECTION, TOKEN = "uploads", "token"

_LOGIN_SECONDS = 5


class DeniedError(Exception):
    """The caller may not; `status` is that of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def caller(settings: Settings, headers: Mapping[str, str], company_id: str) -> str:
    """Returns who calls, for what is written down.

    Args:
        settings: Those of the installation.
        headers: Of the request, names in lower case.
        company_id: Whose files are meant.

    Raises:
        DeniedError: Nobody who may.
        SecretsFileError: The file of secrets can't be read.
    """
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        token = settings.source_setting(SECTION, company_id, TOKEN)
        if token is None:
            variable = source_variable(SECTION, company_id, TOKEN)
            raise DeniedError(401, f"no token is set for this company: put one into {variable}")
        wanted = token.get_secret_value().strip().encode()
        if not hmac.compare_digest(wanted, given.strip().encode()):
            raise DeniedError(401, "wrong token")
        return "token"
    if kind.lower() == "basic":
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise DeniedError(401, "credentials that can't be read") from None
        return await _reader(settings, name, password, company_id)
    raise DeniedError(
        401, "send the company's token as a bearer, or a reader's name and password as Basic"
    )


async def _reader(settings: Settings, name: str, password: str, company_id: str) -> str:
    """Logs in as a reader and asks what it is granted: the database decides."""
    if not name or not password or "\0" in name + password:
        raise DeniedError(401, "wrong name or password")
    try:
        address = make_conninfo(
            url(settings=settings),
            user=name,
            password=password,
            application_name="clv-receiver-login",
            connect_timeout=_LOGIN_SECONDS,
        )
        async with await psycopg.AsyncConnection.connect(address) as connection:
            # Its policies show a reader its own grants alone.
            found = await connection.execute(
                "select bool_or(personal_data) from access.reader_companies where company_id = %s",
                (company_id,),
            )
            row = await found.fetchone()
    except psycopg.errors.InsufficientPrivilege:
        raise DeniedError(403, "not a reader") from None
    except psycopg.Error:
        raise DeniedError(401, "wrong name or password") from None
    if not row or not row[0]:
        raise DeniedError(
            403, f"files hold personal data: let somebody run clv grant {name} {company_id} --pii"
        )
    return name
