"""Whatever is sent to whatever address: an answer of ours, never a 500. The addresses are those of the running shop."""

import re
from collections.abc import Iterator
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

WORSE_REQUESTS_PER_ROUTE = 2
SEED = 2026

ODD_FIELDS = (b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 40, b"x" * 3000)
ODD = (
    *ODD_FIELDS,
    b"",
    b"la-sociale\0",
    "é\u202e🎬".encode(),
    b"../../etc/passwd",
    b"..%2f%00",
    b"' OR 1=1 --%s{0}{{7*7}}<script>",
)
USUAL = (b"la-sociale", b"oui", b"moi", b"12", b"vue-12", b"index.m3u8")
FIELDS = (
    *("email", "password", "name", "next", "denomination", "film", "form_key", "pour", "montant", "consentement"),
    *(
        "position_s",
        "sequence",
        "lecteur",
        "session_id",
        "tri",
        "apres",
        "theme",
        "acte",
        "commande",
        "combien",
        "toutes",
    ),
)
HEADERS = ("USER_AGENT", "RANGE", "IF_NONE_MATCH", "IF_RANGE", "ACCEPT_ENCODING", "ACCEPT_LANGUAGE", "COOKIE")
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "BREW")
FORM = "application/x-www-form-urlencoded"
BODIES = (FORM, "multipart/form-data; boundary=x", "application/json", "\0", "")

Request = dict[str, Any]


def encoded(fields: dict[str, bytes]) -> str:
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in fields.items())


def path_of(rule: Rule, value: bytes) -> str:
    """The route's address as servers hand it on: decoded bytes, read as Latin-1."""
    return re.sub(r"<[^>]+>", lambda _: value.decode("latin-1"), rule.rule)


def odd_values(rule: Rule, token: str) -> Iterator[Request]:
    """Odd values in the address, then in every field."""
    for method in sorted(rule.methods & {"GET", "POST"}):
        in_the_path = [(path_of(rule, value), b"12") for value in ODD if rule.arguments]
        in_the_fields = [(path_of(rule, b"la-sociale"), value) for value in ODD_FIELDS]
        for path, value in in_the_path + in_the_fields:
            fields = encoded(dict.fromkeys(FIELDS, value))
            yield {
                "method": method,
                "environ_overrides": {"PATH_INFO": path, "QUERY_STRING": fields if method == "GET" else ""},
                "data": f"csrf_token={token}&{fields}",
                "content_type": FORM,
            }


def worse_requests(rule: Rule, token: str, dice: Random) -> Iterator[Request]:
    """Other methods, bodies and headers, and a query in raw bytes."""
    for _ in range(WORSE_REQUESTS_PER_ROUTE):
        value = dice.choice(ODD + USUAL)
        yield {
            "method": dice.choice(METHODS),
            "environ_overrides": {
                "PATH_INFO": path_of(rule, dice.choice(USUAL)),
                "QUERY_STRING": f"{dice.choice(FIELDS)}={value.decode('latin-1')}",
                f"HTTP_{dice.choice(HEADERS)}": dice.choice(ODD).decode("latin-1"),
            },
            "data": f"csrf_token={token}&{encoded({dice.choice(FIELDS): value})}",
            "content_type": dice.choice(BODIES),
        }


def assert_answered(client: FlaskClient, request: Request) -> None:
    answer = client.open(**request)
    assert answer.status_code < 500 or request["environ_overrides"]["PATH_INFO"] == "/sante", request
    answer.close()


@both_engines
def test_no_route_breaks(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", False)
    shop.film()
    stranger, customer = app.test_client(), shop.signed_in(shop.staff(credit=2000))
    token, strangers_token = csrf_of(customer, "/compte"), csrf_of(stranger, "/connexion")
    customer.post("/films/la-sociale/louer", data={"csrf_token": token})
    dice = Random(SEED)
    for rule in app.url_map.iter_rules():
        if rule.rule != "/deconnexion":
            for request in [*odd_values(rule, token), *worse_requests(rule, token, dice)]:
                assert_answered(customer, request)
            for request in worse_requests(rule, strangers_token, dice):
                assert_answered(stranger, request)
    assert customer.get("/compte").status_code == 200
