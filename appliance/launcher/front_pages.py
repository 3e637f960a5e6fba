"""What the front answers when no web process does, or when it refuses a request itself."""

import json
from typing import Any

PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""
HEADERS = {
    "Cache-Control": ["no-store"],
    "X-Content-Type-Options": ["nosniff"],
    "Content-Security-Policy": ["default-src 'none'; frame-ancestors 'none'"],
}
UNAVAILABLE = "{http.error.status_code} in [502, 503, 504]"
TOO_LARGE = "{http.error.status_code} == 413"
TEXTS = {
    "unavailable": {
        "en": (
            "The desk does not answer at the moment",
            "It is starting, or busy. Try again in a minute. If this lasts, tell whoever operates "
            "the desk.",
        ),
        "de": (
            "Der Helpdesk antwortet gerade nicht",
            "Er startet oder ist ausgelastet. Versuchen Sie es in einer Minute noch einmal. Hält "
            "das an, melden Sie es bitte den Betreibern.",
        ),
    },
    "not_sent": {
        "en": (
            "The desk did not answer",
            "Your form may not have been saved. Go back and send it again: sending it twice does "
            "nothing twice.",
        ),
        "de": (
            "Der Helpdesk hat nicht geantwortet",
            "Ihr Formular wurde vielleicht nicht gespeichert. Gehen Sie zurück und senden Sie es "
            "noch einmal: Zweimal senden bewirkt nichts doppelt.",
        ),
    },
    "too_large": {
        "en": (
            "That was too much at once",
            "The files of one form may have 128 MB together. Go back and send fewer or smaller "
            "files.",
        ),
        "de": (
            "Das war zu viel auf einmal",
            "Die Dateien eines Formulars dürfen zusammen 128 MB haben. Gehen Sie zurück und "
            "senden Sie weniger oder kleinere Dateien.",
        ),
    },
}


def routes(desk_id: str) -> list[dict[str, Any]]:
    """Return Caddy's routes for errors; the first that matches answers."""
    down = json.dumps({"status": "down", "desk": desk_id})
    changes_something = {"not": [{"method": ["GET", "HEAD", "OPTIONS"]}]}
    return [
        _route(
            {"path": ["/healthz"], "expression": UNAVAILABLE},
            status=503,
            body=down,
            type="application/json",
        ),
        *_pages("not_sent", 503, {"expression": UNAVAILABLE, **changes_something}),
        *_pages("unavailable", 503, {"expression": UNAVAILABLE}),
        *_pages("too_large", 413, {"expression": TOO_LARGE}),
        {
            "handle": [
                {
                    "handler": "static_response",
                    "status_code": "{http.error.status_code}",
                    "close": True,
                    "headers": HEADERS | {"Content-Type": ["text/plain; charset=utf-8"]},
                    "body": "{http.error.status_code} {http.error.status_text}\n",
                }
            ]
        },
    ]


def _pages(name: str, status: int, match: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the routes of a page: German for browsers that prefer it, else English."""
    pages = {
        language: PAGE.format(language=language, title=title, text=text)
        for language, (title, text) in TEXTS[name].items()
    }
    german = match | {"header_regexp": {"Accept-Language": {"pattern": "^de\\b"}}}
    return [
        _route(german, status=status, body=pages["de"], type="text/html; charset=utf-8"),
        _route(match, status=status, body=pages["en"], type="text/html; charset=utf-8"),
    ]


def _route(match: dict[str, Any], *, status: int, body: str, type: str) -> dict[str, Any]:
    headers = (
        HEADERS | {"Content-Type": [type]} | ({"Retry-After": ["10"]} if status == 503 else {})
    )
    response = {
        "handler": "static_response",
        "status_code": status,
        "close": True,  # or it would read the rest of the request first
        "headers": headers,
        "body": body,
    }
    return {"match": [match], "handle": [response], "terminal": True}
