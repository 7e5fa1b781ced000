"""What every page needs: who asks, which company, how a page is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from itsdangerous import BadSignature

from reporting.dashboard.logins import Session, same
from reporting.dashboard.pages import PAGES
from reporting.metrics.company import CompanyFacts

SESSION_COOKIE = "clv_session"


class NotLoggedInError(Exception):
    """Nobody is logged in, so there is no page but the login."""


class NotFoundError(Exception):
    """There is no such thing, or it isn't for whoever asks: the answer is the same."""


class NotWrittenError(Exception):
    """The documentation of the tables isn't there until somebody writes it."""


class ForgedFormError(Exception):
    """A form that wasn't ours, or is too old."""


def current_session(request: Request) -> Session:
    """Returns the session of whoever asks.

    Raises:
        NotLoggedInError: There is none, or it has ended.
    """
    session = request.app.state.sessions.find(session_id(request))
    if session is None:
        raise NotLoggedInError
    found: Session = session
    return found


def session_id(request: Request) -> str:
    """Returns the id in the cookie of whoever asks; empty where there is none of ours."""
    try:
        signed = request.app.state.signer.unsign(request.cookies.get(SESSION_COOKIE, ""))
    except BadSignature:
        return ""
    return str(signed.decode("ascii", "replace"))


LoggedIn = Annotated[Session, Depends(current_session)]


def check_form(session: Session, token: str) -> None:
    """Lets a form through that came from a page of this session.

    Raises:
        ForgedFormError: It didn't.
    """
    if not same(session.token, token):
        raise ForgedFormError


def find_company(known: Mapping[str, CompanyFacts], company_id: str) -> CompanyFacts:
    """Returns a company of those that the reader sees.

    Raises:
        NotFoundError: It isn't among them.
    """
    if company_id not in known:
        raise NotFoundError
    return known[company_id]


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Renders a page."""
    templates = request.app.state.templates
    return HTMLResponse(
        templates.get_template(template).render(nav=PAGES, **values), status_code=status
    )


def see_other(address: str) -> RedirectResponse:
    """Sends the browser on to another page."""
    return RedirectResponse(address, status_code=303)
