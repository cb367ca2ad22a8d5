"""One person speaking JSON with the centre. Refusals come as CentreRefused; a centre that is away is waited for."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx

from foundation.clock import monotonic, pause
from sandbox.errors import CentreAway, CentreRefused, NotInTime, Reason

TIMEOUT_SECONDS: Final = 60.0
AWAY_SECONDS: Final = 60.0
"""How long a client keeps knocking while a process of the centre is started again."""
_UNAVAILABLE: Final = 503
_TOO_MANY: Final = 429
_REFUSED: Final = 400


class CentreClient:
    """``base_url``: ``http://localhost:PORT``. ``certificate``: the PEM file of a self-signed centre, or None."""

    def __init__(self, base_url: str, *, certificate: Path | None = None, away_seconds: float = AWAY_SECONDS) -> None:
        self.base_url = base_url.rstrip("/")
        self.away_seconds = away_seconds
        self.token = ""
        self.login = ""
        self.tls: ssl.SSLContext | None = None
        if certificate is not None:
            self.tls = ssl.create_default_context(cafile=str(certificate))
        # No connection is kept: one that died with a killed process would fail the next request half way.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(
            base_url=self.base_url,
            timeout=TIMEOUT_SECONDS,
            limits=limits,
            trust_env=False,
            verify=self.tls or True,
            headers={"Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def sign_in(self, login: str, password: str) -> Self:
        """Take a token; every later call is made with it."""
        answer = self.post("/sign-in", {"login": login, "password": password})
        return self.act_as(login, str(answer["token"]))

    def act_as(self, login: str, token: str) -> Self:
        """Make every later call with a token that is there already."""
        self.token, self.login = token, login
        self._http.headers["Authorization"] = f"Bearer {token}"
        return self

    def get(self, path: str, **params: str) -> Any:
        return self._json(self.request("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._json(self.request("POST", path, json=dict(body or {})))

    def get_bytes(self, path: str) -> bytes:
        """A file as it is, whatever its kind."""
        return self.request("GET", path, headers={"Accept": "*/*"}).content

    def get_text(self, path: str) -> str:
        return self.get_bytes(path).decode()

    def put_bytes(self, path: str, data: bytes, headers: Mapping[str, str]) -> Any:
        """Send a body of plain bytes (a ciphertext segment)."""
        sent = {"Content-Type": "application/octet-stream", **headers}
        return self._json(self.request("PUT", path, content=data, headers=sent))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One exchange. Raises CentreRefused for 4xx and 5xx answers, CentreAway when nobody answers in time."""
        until = monotonic() + self.away_seconds
        wait = 0.1
        while True:
            response = self._attempt(method, path, options)
            if response is not None and response.status_code not in {_UNAVAILABLE, _TOO_MANY}:
                break
            if monotonic() > until:
                raise CentreAway(url=f"{self.base_url}{path}", status=response.status_code if response else 0)
            pause(wait)
            wait = min(wait * 2, 2.0)
        if response.status_code >= _REFUSED:
            raise refusal_of(response)
        return response

    def _attempt(self, method: str, path: str, options: Mapping[str, Any]) -> httpx.Response | None:
        """None: nobody there, or gone in the middle. Every act of the centre may safely be repeated."""
        try:
            return self._http.request(method, path, **options)
        except httpx.TransportError:
            return None

    def wait_for(self, what: str, look: Callable[[], Any], *, seconds: float = 120.0, every: float = 0.3) -> Any:
        """Call ``look`` until it gives something true, and give that. Raises NotInTime."""
        return wait_for(what, look, seconds=seconds, every=every)

    @staticmethod
    def _json(response: httpx.Response) -> Any:
        return response.json() if response.content else None


def wait_for(what: str, look: Callable[[], Any], *, seconds: float = 120.0, every: float = 0.3) -> Any:
    """Call ``look`` until it gives something true, and give that. Raises NotInTime after ``seconds``."""
    until = monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if monotonic() > until:
            raise NotInTime(what=what, seconds=int(seconds))
        pause(every)


def refusal_of(response: httpx.Response) -> CentreRefused:
    """The problem document of an answer; an answer that is none keeps its status."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    reasons = [
        Reason(str(one.get("code", "")), str(one.get("field", "")), str(one.get("detail", "")))
        for one in body.get("objections", [])
    ]
    return CentreRefused(
        status=response.status_code,
        problem=str(body.get("code", f"http.{response.status_code}")),
        detail=str(body.get("title", response.text[:200])),
        fields=body.get("fields", {}),
        reasons=reasons,
    )
