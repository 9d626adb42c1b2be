"""Whatever is sent to whatever address: an answer of ours, never a 500. The addresses are those of the running shop."""

import re
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from store.web.limits import limiter
from tests.conftest import both_engines
from tests.shop import Shop, csrf_of

REQUESTS_PER_ROUTE = 8
SEED = 2026

ODD = (
    b"",
    b"\0",
    b"la-sociale\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "é\u202e🎬".encode(),
    b"-1",
    b"9" * 15,
    b"9" * 40,
    b"1e999",
    b"NaN",
    b"../../etc/passwd",
    b"..%2f..%2f",
    b"%",
    b"' OR 1=1 --",
    b"%s%n{0}{{7*7}}${7*7}",
    b"<script>",
    b"x" * 3000,
    b"[]",
    b"bytes=9-1,-5,x",
    b"gzip;q=x, *;q=NaN",
)
USUAL = (b"la-sociale", b"oui", b"moi", b"12", b"index.m3u8", b"/films")
FIELDS = [
    "email",
    "password",
    "name",
    "next",
    "denomination",
    "film",
    "form_key",
    "pour",
    "montant",
    "consentement",
    "position_s",
    "sequence",
    "lecteur",
    "session_id",
    "tri",
    "apres",
    "theme",
]
HEADERS = ("USER_AGENT", "RANGE", "IF_NONE_MATCH", "IF_RANGE", "ACCEPT_ENCODING", "ACCEPT_LANGUAGE", "COOKIE")
METHODS = ("PUT", "PATCH", "DELETE", "TRACE", "BREW", "HEAD", "OPTIONS")
BODIES = ("application/x-www-form-urlencoded",) * 5 + ("multipart/form-data; boundary=x", "application/json", "\0", "")


def odd_request(rule: Rule, dice: Random, token: str) -> dict[str, Any]:
    """A request to this route in the form that servers hand on: decoded bytes, read as Latin-1."""

    def something() -> bytes:
        return dice.choice(USUAL if dice.random() < 0.4 else ODD)

    def fields(count: int) -> bytes:
        return b"&".join(b"%s=%s" % (dice.choice(FIELDS).encode(), something()) for _ in range(count))

    def encoded(count: int) -> str:
        return "&".join(f"{dice.choice(FIELDS)}={quote_from_bytes(something())}" for _ in range(count))

    environ = {
        "PATH_INFO": re.sub(r"<[^>]+>", lambda _: something().decode("latin-1"), rule.rule),
        "QUERY_STRING": dice.choice(["", encoded(3), fields(2).decode("latin-1")]),
    }
    if dice.random() < 0.3:
        environ[f"HTTP_{dice.choice(HEADERS)}"] = something().decode("latin-1")
    return {
        "method": dice.choice(METHODS) if dice.random() < 0.15 else dice.choice(sorted(rule.methods)),
        "data": f"csrf_token={token if dice.random() < 0.9 else 'x'}&{encoded(6)}",
        "content_type": dice.choice(BODIES),
        "environ_overrides": environ,
    }


def assert_every_route_answers(app: Flask, client: FlaskClient, token: str, dice: Random) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule == "/deconnexion":
            continue
        for _ in range(REQUESTS_PER_ROUTE):
            request = odd_request(rule, dice, token)
            answer = client.open(**request)
            assert answer.status_code < 500 or rule.rule == "/sante", request
            answer.close()


@both_engines
def test_no_route_breaks(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", False)
    shop.film()
    stranger, customer = app.test_client(), shop.signed_in(shop.customer(credit=2000))
    token = csrf_of(customer, "/compte")
    customer.post("/films/la-sociale/louer", data={"csrf_token": token})
    dice = Random(SEED)
    assert_every_route_answers(app, customer, token, dice)
    assert_every_route_answers(app, stranger, csrf_of(stranger, "/connexion"), dice)
    assert customer.get("/compte").status_code == 200
