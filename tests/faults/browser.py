"""A browser without script, over real HTTP; it keeps cookies and remembers what a page should never do."""

import re
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

LONGEST_S = 60


@dataclass(frozen=True)
class Answer:
    """What came, and after how many seconds; status 0 is a connection that broke."""

    status: int
    body: bytes
    location: str
    seconds: float

    @property
    def is_readable(self) -> bool:
        """Whether a person sees a page that says what happened: the shop's own, or nginx's in its place."""
        return b'class="header"' in self.body or "Ce qui vous a été confirmé".encode() in self.body


class Browser:
    """One visitor: one connection at a time, cookies kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """A page."""
        return self._ask("GET", path, None)

    def post(self, path: str, page: str = "/compte", **fields: str) -> Answer:
        """A form, with the token of the first one of `page`."""
        found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', (shown := self.get(page)).body)
        if not found:
            return shown
        return self._ask("POST", path, urlencode({"csrf_token": found[1].decode(), **fields}))

    def sign_in(self, email: str, password: str) -> Answer:
        """By the form."""
        return self.post("/connexion", "/connexion", email=email, password=password)

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._port, timeout=LONGEST_S)

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        began = time.monotonic()
        headers = {"Host": f"localhost:{self._port}", "Cookie": "; ".join(map("=".join, self._cookies.items()))}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = self._connection()
        try:
            connection.request(method, path, body, {name: value for name, value in headers.items() if value})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            return Answer(0, repr(error).encode(), "", time.monotonic() - began)
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return Answer(answer.status, content, answer.headers.get("Location", ""), time.monotonic() - began)
