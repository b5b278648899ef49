"""Which hosts a request may name: a page of another site can have its own name point here, and so reach this server."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def allowed(host: str, named: Sequence[str]) -> tuple[str, ...]:
    """The hosts that requests may name to a server on an address; none: any.

    named: by the user, "*" for any. Where none are, a server that only this machine reaches has that machine's names.
    """
    if named:
        return () if "*" in named else tuple(name.lower() for name in named)
    return tuple(dict.fromkeys((*_LOOPBACK, host.lower()))) if _is_loopback(host) else ()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class AllowedHosts:
    """Middleware that refuses requests that name another host. hosts: as ``allowed`` gives them, at least one."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        headers = dict(scope.get("headers", ()))
        named = headers.get(b"host", b"").decode("latin-1").lower()
        name = named if named.endswith("]") else named.rpartition(":")[0] or named
        if scope["type"] != "http" or not named or name in self._hosts:  # all browsers name one
            await self._app(scope, receive, send)
            return
        message = f"expected the host {', '.join(self._hosts)}, found {name!r}; serve --allowed-hosts names others"
        error = {"error": {"code": "unknown_host", "message": message}}
        await JSONResponse(error, 421, {"Connection": "close"})(scope, receive, send)
