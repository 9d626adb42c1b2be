"""Watching what a browser does behind a visitor's back: whom it asks, and what it keeps."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request

OURS = {"session", "__Host-session", "device", "__Host-device"}
"""The session's cookie, and that of a browser that wished to be remembered."""


def asked_elsewhere(page: Page, site: str) -> list[str]:
    """Fills with the addresses of other hosts that pages ask for; where somebody goes by a link or a form counts not."""
    found: list[str] = []

    def note(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and f"{parts.scheme}://{parts.netloc}" != site:
            found.extend([] if request.is_navigation_request() else [request.url])

    page.on("request", note)
    return found


def cookies_of(context: BrowserContext) -> set[str]:
    """The names of what the browser keeps."""
    return {cookie["name"] for cookie in context.cookies()}
