"""The pages of Google's front end: what answers where no API and no metadata is, in HTML and never in JSON.

Its words as the metadata server's clients quote them (kelseyhightower/kubernetes-the-hard-way#454). That every
API's unknown path and unknown HTTP method give the same page, and never 405, is seen and not documented.
"""

from collections.abc import Mapping
from html import escape

from aiohttp import web

_PAGE = (
    "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Error {status} ({name})!!1</title>\n"
    "<p><b>{status}.</b> <ins>That’s an error.</ins>\n<p>{sentence} <ins>That’s all we know.</ins>\n"
)


def not_found_page(request: web.Request, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the 404 for a path that is nothing."""
    sentence = f"The requested URL <code>{escape(request.path)}</code> was not found on this server."
    return _page(404, "Not Found", sentence, headers)


def forbidden_page(request: web.Request, why: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the 403 for a request that the server will not look at; `why` is a sentence."""
    sentence = f"Your client does not have permission to get URL <code>{escape(request.path)}</code> from this server."
    return _page(403, "Forbidden", f"{sentence} {why}", headers)


def everything_else() -> web.RouteDef:
    """Return the route that takes what no other route does: another path, another HTTP method. It must come last."""

    async def answer(request: web.Request) -> web.Response:
        return not_found_page(request)

    return web.route("*", "/{path:.*}", answer)


def _page(status: int, name: str, sentence: str, headers: Mapping[str, str] | None) -> web.Response:
    text = _PAGE.format(status=status, name=name, sentence=sentence)
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)
