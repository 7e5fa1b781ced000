"""How the tests ask a stand-in that lives in their own process."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from demo.stores.shopify.app import TOKEN_HEADER, StandIn, token_for

Json = dict[str, Any]
PATH = "/admin/api/2026-10/graphql.json"
BASE = "http://stand-in"


class Http:
    """Requests without a network; an accident in the application is raised here."""

    def __init__(self, stand_in: StandIn) -> None:
        self.transport = httpx.ASGITransport(stand_in.app)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url=BASE) as http:
                return await http.request(method, path, **more)

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def delete(self, path: str) -> httpx.Response:
        return self.request("DELETE", path)


class Client:
    """Asks a stand-in in its own process."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.http = Http(stand_in)
        self.token = token_for(stand_in.shop.profile.company)

    def post(self, query: str, token: str | None = None, **variables: Any) -> Any:
        return self.http.post(
            PATH,
            json={"query": query, "variables": variables},
            headers={TOKEN_HEADER: token or self.token},
        )

    def ask(self, query: str, token: str | None = None, **variables: Any) -> Json:
        response = self.post(query, token, **variables)
        assert response.status_code == 200
        answer: Json = response.json()
        return answer

    def data(self, query: str, **variables: Any) -> Json:
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        found: Json = answer["data"]
        return found

    def control(self, path: str, order: Json) -> Json:
        response = self.http.post(f"/_control/{path}", json=order)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer

    def truth(self, entity: str) -> list[Json]:
        rows: list[Json] = self.http.get(f"/_control/truth/{entity}").json()
        return rows

    def pages(self, query: str, root: str, size: int) -> list[Json]:
        """Pages a list to its end."""
        rows: list[Json] = []
        after = None
        while True:
            page = self.data(query, n=size, after=after)[root]
            rows += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return rows
            after = page["pageInfo"]["endCursor"]
