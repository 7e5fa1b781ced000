"""The dashboard over HTTP: who may see a page, which page it is, and how it is sent."""

from __future__ import annotations

import gzip
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from itsdangerous import Signer

from reporting.blocks.blocks import Table
from reporting.blocks.rendering import STATIC, environment, plotly_file
from reporting.dashboard import customer, export, uploads
from reporting.dashboard.filters import PERIODS, FilterError, read_filters
from reporting.dashboard.logins import LoginError, Sessions, UnavailableError, same
from reporting.dashboard.pages import PAGES, ROWS_SHOWN, Asked, find_table
from reporting.dashboard.receiver import ReceiverError
from reporting.dashboard.web import (
    SESSION_COOKIE,
    ForgedFormError,
    LoggedIn,
    NotFoundError,
    NotLoggedInError,
    NotWrittenError,
    check_form,
    find_company,
    page,
    see_other,
    session_id,
)
from reporting.metrics import customers
from reporting.metrics.company import Choices, CompanyFacts, choices, companies
from reporting.report.content import read_report
from reporting.report.page import render as render_report
from warehouse.audit import record
from warehouse.connection import connect
from warehouse.settings import Settings, get_settings

HERE = Path(__file__).parent
LOGIN_COOKIE = "clv_login"

#: Of the form around a file.
_FORM_BYTES = 64 * 1024

_logger = logging.getLogger("clv.dashboard")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# plotly.js writes style elements; nothing else is inline.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# The report is one file with its script inside, and may talk to nobody.
_REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# dbt's page is one file too; it makes its own templates as it runs.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_app(settings: Settings | None = None, sessions: Sessions | None = None) -> FastAPI:
    """Returns the dashboard.

    Args:
        settings: Those of the installation; by default the process's own.
        sessions: Who is logged in; by default nobody.
    """
    settings = settings or get_settings()
    sessions = sessions or Sessions(settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        sessions.close()

    app = FastAPI(title="CLV", docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.state.settings = settings
    app.state.sessions = sessions
    # Sessions live in this process alone, so a key that dies with it loses nothing.
    app.state.signer = Signer(secrets.token_bytes(32), salt="clv dashboard")
    app.state.templates = environment(HERE / "templates")
    app.state.templates.globals["asset"] = _asset
    app.middleware("http")(_secured)
    _add_troubles(app)
    _add_login(app)
    # Before the pages, whose addresses take any name.
    app.include_router(uploads.router)
    _add_pages(app)
    _add_files(app)
    return app


def _add_login(app: FastAPI) -> None:
    @app.get("/login")
    def login_page(request: Request) -> Response:
        return _login_form(request)

    @app.post("/login")
    def log_in(
        request: Request,
        user: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=2000)] = "",
        token: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        if not token or not same(request.cookies.get(LOGIN_COOKIE, ""), token):
            return _login_form(request, "The page was too old. Try again.", user, 403)
        try:
            made = request.app.state.sessions.log_in(user.strip(), password)
        except LoginError as error:
            _logger.info("Refused a login.")
            return _login_form(request, str(error), user, 401)
        except UnavailableError as error:
            return _login_form(request, str(error), user, 503)
        answer = see_other("/")
        signed = request.app.state.signer.sign(made).decode("ascii")
        _set_cookie(request, answer, SESSION_COOKIE, signed)
        answer.delete_cookie(LOGIN_COOKIE)
        return answer

    @app.post("/logout")
    def log_out(
        request: Request,
        session: LoggedIn,
        token: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        check_form(session, token)
        request.app.state.sessions.log_out(session_id(request))
        answer = see_other("/login")
        answer.delete_cookie(SESSION_COOKIE)
        return answer


def _login_form(request: Request, problem: str = "", user: str = "", status: int = 200) -> Response:
    token = secrets.token_urlsafe(24)
    answer = page(request, "login.html", status, problem=problem, user=user, token=token)
    _set_cookie(request, answer, LOGIN_COOKIE, token)
    return answer


def _set_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    answer.set_cookie(
        name,
        value,
        httponly=True,
        samesite="strict" if name == LOGIN_COOKIE else "lax",
        secure=request.url.scheme == "https",
    )


def _add_pages(app: FastAPI) -> None:
    @app.get("/health")
    def health() -> Response:
        return Response("ok", media_type="text/plain")

    @app.get("/")
    def start(session: LoggedIn) -> Response:
        with session.reading() as connection:
            known = companies(connection)
        if not known:
            raise NotFoundError
        return see_other(f"/companies/{next(iter(known))}/overview")

    @app.get("/companies/{company_id}")
    def company(company_id: str) -> Response:
        return see_other(f"/companies/{company_id}/overview")

    @app.get("/companies/{company_id}/report")
    def report(session: LoggedIn, company_id: str) -> Response:
        with session.reading() as connection:
            find_company(companies(connection), company_id)
            made = read_report(connection, company_id)
        headers = {"Content-Security-Policy": _REPORT_POLICY}
        return HTMLResponse(render_report(made), headers=headers)

    @app.get("/companies/{company_id}/customers/{customer_id:path}")
    def one_customer(
        request: Request, session: LoggedIn, company_id: str, customer_id: str
    ) -> Response:
        with session.reading() as connection:
            known = companies(connection)
            facts = find_company(known, company_id)
            # Postgres has no such character in its texts.
            sections = (
                None if "\0" in customer_id else customer.sections(connection, facts, customer_id)
            )
        if sections is None:
            raise NotFoundError
        return page(
            request,
            "customer.html",
            session=session,
            known=known,
            facts=facts,
            current="customers",
            customer_id=customer_id,
            sections=sections,
        )

    @app.get("/companies/{company_id}/exports/{name}/{table}.csv")
    def exported(
        request: Request, session: LoggedIn, company_id: str, name: str, table: str
    ) -> Response:
        if name not in PAGES:
            raise NotFoundError
        with session.reading() as connection:
            facts = find_company(companies(connection), company_id)
            offered = choices(connection, company_id)
            asked = _asked(request, facts, offered, PAGES[name].period, whole=True)
            found = find_table(PAGES[name].build(connection, asked), table)
        if found is None:
            raise NotFoundError
        return _taken_away(session.user, facts, found)

    @app.get("/companies/{company_id}/{name}")
    def one_page(request: Request, session: LoggedIn, company_id: str, name: str) -> Response:
        if name not in PAGES:
            raise NotFoundError
        shown = PAGES[name]
        with session.reading() as connection:
            known = companies(connection)
            facts = find_company(known, company_id)
            shared: dict[str, Any] = {
                "session": session,
                "known": known,
                "facts": facts,
                "current": name,
            }
            if facts.is_empty:
                return page(request, "empty.html", **shared)
            offered = choices(connection, company_id)
            asked = _asked(request, facts, offered, shown.period)
            sections = shown.build(connection, asked)
            total = (
                customers.customer_count(
                    connection, asked.filters.scope, asked.options.get("search", "").strip()
                )
                if name == "customers"
                else 0
            )
        return page(
            request,
            "page.html",
            **shared,
            shown=shown,
            filters=asked.filters,
            choices=offered,
            periods=PERIODS,
            options=asked.options,
            sections=sections,
            place=asked.place,
            total=total,
            pages=-(-total // ROWS_SHOWN),
            export_link=f"/companies/{company_id}/exports/{name}/{{table}}.csv"
            + asked.filters.query(**asked.options),
        )


def _add_files(app: FastAPI) -> None:
    @app.get("/documentation")
    def documentation(session: LoggedIn, request: Request) -> Response:
        file = request.app.state.settings.home / "docs" / "index.html"
        if not file.is_file():
            raise NotWrittenError
        return FileResponse(file, headers={"Content-Security-Policy": _DOCS_POLICY})

    @app.get("/static/{version}/{name}")
    def static(request: Request, version: str, name: str) -> Response:
        if name not in _ASSETS:
            raise NotFoundError
        content, packed, kind = _file(name)
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            content = packed
        return Response(content, media_type=kind, headers=headers)


def _taken_away(user: str, facts: CompanyFacts, table: Table) -> Response:
    """Answers with a table as CSV, and writes down who took it: a reader's own role may not."""
    with connect() as connection:
        detail = {"rows": len(table.rows)}
        record(connection, user, "exported", table.export, facts.company_id, detail)
    file = f"{facts.company_id}-{table.export.replace('_', '-')}-{facts.as_of_date}.csv"
    return StreamingResponse(
        export.lines(table),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


def _asked(
    request: Request, facts: CompanyFacts, offered: Choices, period: str, *, whole: bool = False
) -> Asked:
    query = {name: value.replace("\0", "") for name, value in request.query_params.items()}
    options = {name: query[name] for name in ("by", "order", "search", "page") if query.get(name)}
    return Asked(facts, read_filters(facts, offered, query, period), options, whole)


#: Files that pages ask for, by name.
_ASSETS: dict[str, Callable[[], Path]] = {
    "clv.css": lambda: STATIC / "clv.css",
    "charts.js": lambda: STATIC / "charts.js",
    "dashboard.css": lambda: HERE / "static" / "dashboard.css",
    "dashboard.js": lambda: HERE / "static" / "dashboard.js",
    "plotly.js": plotly_file,
}


@lru_cache(maxsize=len(_ASSETS))
def _file(name: str) -> tuple[bytes, bytes, str]:
    content = _ASSETS[name]().read_bytes()
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    return content, gzip.compress(content, compresslevel=6, mtime=0), f"{kind}; charset=utf-8"


def _asset(name: str) -> str:
    """Returns the address of a file; another content has another address."""
    return f"/static/{sha256(_file(name)[0]).hexdigest()[:12]}/{name}"


async def _secured(request: Request, following: Any) -> Response:
    began = time.perf_counter()
    declared = request.headers.get("content-length", "")
    longest = request.app.state.settings.upload_max_bytes + _FORM_BYTES
    if declared.isdecimal() and int(declared) > longest:
        answer = _trouble(
            request, 413, "The file is too long", f"Files may have {longest / 1024**2:,.0f} MB."
        )
    else:
        answer = await following(request)
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Content-Security-Policy", _POLICY)
    answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers["Server-Timing"] = f"page;dur={(time.perf_counter() - began) * 1000:.0f}"
    return answer


def _add_troubles(app: FastAPI) -> None:
    @app.exception_handler(NotLoggedInError)
    def not_logged_in(request: Request, error: Exception) -> Response:
        if request.method != "GET" or request.url.path.endswith(".csv"):
            return _trouble(request, 401, "Log in first", "The session has ended.")
        return see_other("/login")

    @app.exception_handler(404)
    @app.exception_handler(405)
    @app.exception_handler(NotFoundError)
    def not_found(request: Request, error: Exception) -> Response:
        return _trouble(
            request,
            404,
            "There is no such page",
            "It isn't there, or it belongs to a company that you don't read. Ask whoever runs the "
            "platform: clv grant NAME --company ID.",
        )

    @app.exception_handler(NotWrittenError)
    def not_written(request: Request, error: Exception) -> Response:
        return _trouble(
            request,
            404,
            "The documentation isn't written yet",
            "Whoever runs the platform writes it with: clv docs.",
        )

    @app.exception_handler(ForgedFormError)
    def forged(request: Request, error: Exception) -> Response:
        return _trouble(request, 403, "The form was too old", "Go back, reload, send it again.")

    @app.exception_handler(FilterError)
    def wrong_filter(request: Request, error: Exception) -> Response:
        return _trouble(request, 400, "That filter isn't known", str(error))

    @app.exception_handler(ReceiverError)
    @app.exception_handler(UnavailableError)
    def unavailable(request: Request, error: Exception) -> Response:
        return _trouble(request, 503, "Not now", str(error))

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        _logger.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
        return _trouble(
            request,
            500,
            "Something went wrong",
            "It is in the log of the dashboard. Nothing was changed.",
        )


def _trouble(request: Request, status: int, title: str, text: str) -> Response:
    return page(request, "trouble.html", status, title=title, text=text)
