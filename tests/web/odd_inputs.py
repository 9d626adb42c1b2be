"""Inputs that nobody should send, to every route that the shop has, by everybody: drawn with a seed, so that each can be sent again.

Routes come from the shop's own list, and a route's fields from what its code asks of a request: whatever it once looked
for, in the query, the form or a cookie, is filled in from then on.
"""

import io
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar
from urllib.parse import quote_from_bytes

from flask import Flask, Request
from flask.testing import FlaskClient
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule
from werkzeug.test import run_wsgi_app

from store.web.limits import limiter
from tests.shop import Shop, csrf_of
from tests.web.furnished import furnish

LONGEST_S = 2.5
"""SECURITY.md: no answer to bad input takes longer."""

TRIES = 3
"""An input is called slow when it is slow each time: a machine that does other things may stop for seconds."""

HOSTILE = b"\"'><script>xss</script>"
RUNS = re.compile(rb"<script>xss|=[\"']?javascript:x", re.IGNORECASE)
"""What comes of hostile words that a page repeats as they are."""

WITHOUT_WORKER = b"/sante"
"""Says 503 where no worker runs."""
FRESH_EVERY = 25
"""Inputs after which tries are forgotten, so that 429 does not hide what comes behind it, and who was signed out is in again."""

PAGES = ("text/html", "image/svg+xml", "application/xml", "application/atom+xml")
HUGE = b"x" * (10 * 1024 * 1024)
FORM, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "B\xa0",
    "",
)

ODD = (
    *(b"", b"\0", b"la-sociale\0", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"%00", b"%ed%a0%80", b"%"),
    *("é\u202e🎬".encode(), "\ufeff\u2028\u0301".encode(), "ſİıß".encode(), "٣".encode(), "²".encode(), b"\r\nX: y", b"a\nb", b"\t"),
    *(b"../../etc/passwd", b"..%2f%00", b"/", b"//example.org", b"\\\\example.org", b"file:///etc/passwd", b"javascript:x", HOSTILE, HOSTILE),
    *(b"' OR 1=1 --", b"%s%n{0}{{7*7}}${7*7}<script>", b"=1+1", b"*", b"[]", b"{}", b"null", b"true", b"NaN", b"Infinity"),
    *(b"-1", b"0", b"1e400", b"9" * 40, b"9223372036854775808", b"-9223372036854775809", b"0x10", b"1_000", b"1,5", b" 1 "),
    *(b"0000-00-00", b"9999-12-31", b"0001-01-01", b"2027-02-29", b"x" * 3000, b"a@" + b"b" * 300, "é".encode() * 30_000),
)  # fmt: skip
USUAL = {
    "email": (b"jeanne@example.org", b"new@example.org"), "password": (b"un-bon-mot-de-passe",), "name": (b"Jeanne",),
    "next": (b"/films", b"/en/compte"), "denomination": (b"20", b"libre"), "montant": (b"35", b"350"), "combien": (b"2",),
    "pour": (b"moi", b"cadeau", b"suspendue"), "remise": (b"imprimer", b"email"), "recipient_name": (b"Paul",),
    "recipient_email": (b"paul@example.org",), "deliver_on": (b"2026-12-24",), "film": (b"la-sociale",), "acte": (b"acheter",),
    "consentement": (b"oui",), "position_s": (b"12",), "sequence": (b"3",), "session_id": (b"cs_test_1",), "q": (b"sociale",),
    "apres": (b"vue-12", b"1-3", b"12"), "tri": (b"annee",), "theme": (b"travail",), "decennie": (b"2010",), "pin": (b"1234",),
    "code": (b"ABCD-EFGH-JKLM-NPQR-STUV",), "failed": (b"video-240/00001.m4s",), "lecteur": (b"natif",), "carte": (b"1",),
    "mouvement": (b"films",), "depuis": (b"2026-01-01",), "jusque": (b"2026-12-31",), "country": (b"FR",), "langue": (b"en",),
    "message": (b"Bon film !",), "form_key": (b"0" * 32,), "toutes": (b"1",), "garder": (b"oui",),
}  # fmt: skip
"""What such a field usually holds: so that some inputs come further than the first check."""

HEADERS = (
    *("COOKIE", "RANGE", "IF_NONE_MATCH", "IF_MODIFIED_SINCE", "IF_RANGE", "ACCEPT", "ACCEPT_ENCODING", "ACCEPT_LANGUAGE"),
    *("USER_AGENT", "ORIGIN", "REFERER", "SEC_FETCH_SITE", "HOST", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "FORWARDED"),
    *("STRIPE_SIGNATURE", "AUTHORIZATION", "CONTENT_ENCODING", "TRANSFER_ENCODING", "EXPECT", "X_HTTP_METHOD_OVERRIDE"),
)  # fmt: skip
ODD_HEADERS = (
    *("bytes=-1", "bytes=0-0,1-1,2-2", "bytes=9-1", "bytes=" + "0-1," * 500, "items=1", "W/", '"', "*", "Thu, 99 Foo 2026"),
    *("gzip;q=x", "fr;q=,,;", "session=", "session=x; session=y", "session=\xff", "=; =", "a" * 9000, "t=1,v1=00", "t=x,v1", "null"),
)  # fmt: skip


class Noticing(ImmutableMultiDict[str, str]):
    """A query, a form or cookies that notice what they are asked for."""

    asked_for: ClassVar[set[str]] = set()

    def __getitem__(self, name: str) -> str:
        self.asked_for.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked_for.add(str(name))
        return super().__contains__(name)

    def getlist(self, name: str, *more: Any, **options: Any) -> list[Any]:
        """As a MultiDict's."""
        self.asked_for.add(name)
        return super().getlist(name, *more, **options)


class NoticingRequest(Request):
    """A request whose parts notice what they are asked for."""

    parameter_storage_class = Noticing


@dataclass(frozen=True)
class Input:
    """One request as servers hand it on."""

    who: str
    method: str
    path: bytes
    query: bytes
    headers: dict[str, str]
    body: bytes = field(repr=False)
    content_type: str
    length: str | None = None

    def told(self) -> str:
        """So much of it that one sees what it was."""
        return f"{self!r} body={self.body[:300]!r}"


@dataclass
class Visitor:
    """Somebody, the session cookie of their browser, and its form token."""

    cookie: str
    token: str


class OddInputs:
    """A furnished shop, three visitors, and inputs to no end."""

    def __init__(self, app: Flask, shop: Shop, dice: Random) -> None:
        app.request_class = NoticingRequest
        self.app, self._shop, self._dice = app, shop, dice
        self._values = furnish(app, shop).values
        self._people = {"nobody": None, "customer": shop.customer(credit=2000), "staff": shop.staff(credit=900)}
        self._visitors: dict[str, Visitor] = {}
        self._fields: dict[str, set[str]] = defaultdict(set)
        self.answered: Counter[int] = Counter()

    def complaints(self, count: int, path: str = "") -> Iterator[str]:
        """Send so many, to the routes that begin so, by turns; what should not have been answered as it was."""
        rules = [rule for rule in self.app.url_map.iter_rules() if rule.rule.startswith(path)]
        self._freshen()
        for number in range(count):
            if number % FRESH_EVERY == 0:
                self._freshen()
            rule = rules[number % len(rules)]
            drawn = self._draw(rule)
            Noticing.asked_for.clear()
            complaint = self._complaint(drawn)
            self._fields[rule.endpoint] |= Noticing.asked_for - {"session"}
            if complaint:
                yield f"{complaint}: {drawn.told()}"

    def _freshen(self) -> None:
        with self.app.app_context():
            limiter.reset()
        for who, person in self._people.items():
            if who not in self._visitors or (person and not self._is_in(self._visitors[who])):
                browser = self._shop.signed_in(person) if person else self.app.test_client()
                token = csrf_of(browser, "/compte" if person else "/connexion")
                self._visitors[who] = Visitor(cookie_of(browser), token)

    def _is_in(self, visitor: Visitor) -> bool:
        return self._send(Input("", "GET", b"/compte", b"", {"HTTP_COOKIE": visitor.cookie}, b"", ""))[0] == 200

    def _complaint(self, drawn: Input) -> str | None:
        for _ in range(TRIES):
            status, seconds, page = self._send(drawn)
            self.answered[status] += 1
            if RUNS.search(page):
                return "hostile words came back as they were"
            if status >= 500 and drawn.path.removeprefix(b"/en") != WITHOUT_WORKER:
                return str(status)
            if seconds <= LONGEST_S:
                return None
        return f"{seconds:.1f} s"

    def _send(self, drawn: Input) -> tuple[int, float, bytes]:
        """The status, how long the whole answer took, and the page if it is one."""
        environ = {
            "REQUEST_METHOD": drawn.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": drawn.path.decode("latin-1"),
            "QUERY_STRING": drawn.query.decode("latin-1"),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_COOKIE": self._visitors[drawn.who].cookie if drawn.who else "",
            "CONTENT_TYPE": drawn.content_type,
            "CONTENT_LENGTH": str(len(drawn.body)) if drawn.length is None else drawn.length,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(drawn.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        } | drawn.headers
        began = time.monotonic()
        parts, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        seconds = time.monotonic() - began
        is_page = headers.get("Content-Type", "").startswith(PAGES)
        return int(status.split()[0]), seconds, b"".join(parts) if is_page else b""

    def _draw(self, rule: Rule) -> Input:
        """Odd here and there, seldom everywhere: what is odd all over is refused by the first who looks."""
        who = self._dice.choice(("nobody", "customer", "customer", "staff"))
        method = self._one_in(12, METHODS) or self._dice.choice(sorted(rule.methods))
        fields = self._filled_in(rule, who)
        in_query = method in {"GET", "HEAD"} or self._dice.random() < 0.1
        body, content_type = (b"", "") if in_query else self._body(fields)
        headers = {f"HTTP_{self._dice.choice(HEADERS)}": self._dice.choice(ODD_HEADERS) for _ in range(self._few())}
        return Input(
            who,
            method,
            self._path(rule),
            encoded(fields) if in_query else b"",
            headers,
            body,
            content_type,
            self._one_in(60, ("", "-1", "x", "0", "99999999999")),
        )

    def _path(self, rule: Rule) -> bytes:
        path = re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda name: self._part(name[1]).decode("latin-1"), rule.rule).encode(
            "latin-1"
        )
        if self._dice.random() < 0.15:
            path = b"/en" + path
        twist = self._one_in(30, (b"//", b"/./", b"/../", b"/%2e%2e/", b";x=1/", b"/\0/"))
        return path.replace(b"/", twist, 1) if twist else path

    def _part(self, name: str) -> bytes:
        return self._odd() if self._dice.random() < 0.3 else self._values.get(name, "1").encode()

    def _filled_in(self, rule: Rule, who: str) -> list[tuple[str, bytes]]:
        """The fields that the route looks for, some left out, some odd, some twice, and one that it does not know."""
        names = sorted(self._fields[rule.endpoint]) or ["x"]
        fields = [(name, self._value(name, who)) for name in names if self._dice.random() < 0.85]
        if self._dice.random() < 0.2:
            fields += [(self._dice.choice(names), self._odd()) for _ in range(self._dice.choice((1, 2, 150)))]
        return [*fields, ("y", b"1")]

    def _value(self, name: str, who: str) -> bytes:
        if name == "csrf_token" and self._dice.random() < 0.95:
            return self._visitors[who].token.encode()
        usual = USUAL.get(name, (b"1",))
        kind = self._dice.random()
        if kind < 0.6:
            return self._dice.choice(usual)
        return mutated(self._dice.choice(usual), self._dice) if kind < 0.75 else self._odd()

    def _odd(self) -> bytes:
        return self._dice.choice(ODD) if self._dice.random() < 0.8 else self._dice.randbytes(self._dice.randrange(40))

    def _body(self, fields: list[tuple[str, bytes]]) -> tuple[bytes, str]:
        kind = self._dice.random()
        if kind < 0.75:
            return encoded(fields), FORM
        if kind < 0.85:
            return multipart(fields, self._dice), MULTIPART
        if kind < 0.9:
            return json.dumps({name: value.decode("latin-1") for name, value in fields}).encode(), JSON
        if kind < 0.91:
            return HUGE, self._dice.choice((FORM, MULTIPART, JSON))
        return self._odd(), self._dice.choice(
            (FORM, MULTIPART, JSON, "\0", "text/plain; charset=\xff", "multipart/form-data")
        )

    def _few(self) -> int:
        return self._dice.choice((0, 0, 0, 0, 1, 1, 2))

    def _one_in(self, odds: int, choices: Sequence[Any]) -> Any:
        """One of the choices once in so many times, else None."""
        return self._dice.choice(choices) if self._dice.randrange(odds) == 0 else None


def cookie_of(browser: FlaskClient) -> str:
    """What the browser sends back."""
    cookie = browser.get_cookie("session")
    return f"session={cookie.value}" if cookie else ""


def encoded(fields: list[tuple[str, bytes]]) -> bytes:
    """As a browser would send them."""
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in fields).encode()


def multipart(fields: list[tuple[str, bytes]], dice: Random) -> bytes:
    """The same in parts, some of them called files, and sometimes without an end."""
    name_of_file = dice.choice((b"", b'; filename="../x.png"', b'; filename="\xff\0"'))
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name.encode(), name_of_file, value)
        for name, value in fields
    ]
    return b"".join(parts) + dice.choice((b"--x--\r\n", b"--x--\r\n", b"", b"--x", b"\r\n"))


def mutated(value: bytes, dice: Random) -> bytes:
    """The value with a byte too many, too few, or another."""
    place = dice.randrange(len(value) + 1)
    return (
        value[:place] + dice.choice((b"", dice.randbytes(1), b"\0", b" ", value)) + value[place + dice.choice((0, 1)) :]
    )
