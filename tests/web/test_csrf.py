"""Nobody else's page makes a browser act here."""

from flask import Flask
from werkzeug.routing import IntegerConverter, Rule

from tests.shop import Shop, csrf_of

SIGNED_BY_STRIPE = {"webhook.receive"}


def addresses_to_post_to(app: Flask) -> list[str]:
    """Every POST address, its variable parts filled in; Stripe's webhook apart."""
    urls = app.url_map.bind("localhost")
    return [
        urls.build(rule.endpoint, {name: _filling(rule, name) for name in rule.arguments}, method="POST")
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and rule.endpoint not in SIGNED_BY_STRIPE
    ]


def _filling(rule: Rule, name: str) -> str | int:
    return 1 if isinstance(rule._converters[name], IntegerConverter) else "la-sociale"


def test_every_form_needs_its_token(app: Flask, shop: Shop) -> None:
    shop.film()
    client = shop.signed_in(shop.staff(credit=2000))
    others = csrf_of(shop.signed_in(shop.customer("paul@example.org")), "/compte")
    addresses = addresses_to_post_to(app)
    assert {"/connexion", "/films/la-sociale/louer", "/cartes/acheter", "/deconnexion", "/equipe/alertes/1/vue"} <= set(
        addresses
    )
    for address in addresses:
        for token in ({}, {"csrf_token": ""}, {"csrf_token": "x"}, {"csrf_token": others}):
            answer = client.post(address, data=token)
            assert answer.status_code == 400, f"{address} {token}"
            assert 'class="error-code"' in answer.text
    assert client.get("/compte").status_code == 200, "signed out without a token"


OURS = {"Origin": "http://localhost"}
ACCEPTED = [{}, OURS, {**OURS, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}]
REFUSED = [
    {"Origin": "http://example.org"},
    {"Origin": "http://localhost.example.org"},
    {"Origin": "https://localhost"},
    {"Origin": "http://localhost:81"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {**OURS, "Sec-Fetch-Site": "cross-site"},
]


def test_the_browsers_word_for_its_origin(shop: Shop) -> None:
    person = shop.customer()
    client = shop.signed_in(person)
    token = {"csrf_token": csrf_of(client, "/compte")}
    assert {client.post("/deconnexion", data=token, headers=headers).status_code for headers in REFUSED} == {400}
    assert client.get("/compte").status_code == 200
    for headers in ACCEPTED:
        client = shop.signed_in(person)
        token = {"csrf_token": csrf_of(client, "/compte")}
        assert client.post("/deconnexion", data=token, headers=headers).status_code == 303, headers


def test_get_changes_nothing(app: Flask, shop: Shop) -> None:
    shop.film()
    person = shop.staff(credit=2000)
    client = shop.signed_in(person)
    token = csrf_of(client, "/compte")
    for address in addresses_to_post_to(app):
        assert client.get(f"{address}?csrf_token={token}").status_code in {200, 303, 404, 405}
    assert client.get("/compte").status_code == 200
    assert shop.credit_of(person) == 2000
