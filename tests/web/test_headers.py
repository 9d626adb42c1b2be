"""What every answer says to browsers and caches."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from store import create_app
from tests.conftest import settings_for
from tests.shop import Shop, csrf_of

PUBLIC = ["/", "/films", "/films/la-sociale", "/collections", "/aide", "/conditions", "/paiement/abandon"]
WITH_A_FORM = ["/connexion", "/inscription", "/cartes"]


def style_sheet(client: FlaskClient) -> str:
    return re.search(r'href="(/style-[0-9a-f]+\.css)"', client.get("/").text).group(1)


def assert_guarded(answer: TestResponse) -> None:
    headers = answer.headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"] and "*" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Server" not in headers and "X-Powered-By" not in headers


def test_every_kind_of_answer_is_guarded(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    signed_in = shop.signed_in(shop.customer())
    answers = [client.get(address) for address in [*PUBLIC, *WITH_A_FORM, "/compte", "/nothing", "/sante"]]
    answers += [client.get(style_sheet(client)), client.get("/static/icons/icon.svg"), client.get("/static/nothing")]
    answers += [client.post("/connexion"), client.put("/films"), client.options("/films"), client.head("/films")]
    answers += [client.get("/", headers={"Host": "example.org"}), client.post("/stripe/webhook", data=b"{}")]
    answers += [signed_in.get("/compte"), signed_in.post("/films/la-sociale/lecture")]
    assert {answer.status_code for answer in answers} >= {200, 303, 400, 404, 405, 503}
    for answer in answers:
        assert_guarded(answer)


def test_strict_transport_behind_tls_alone(client: FlaskClient, tmp_path, database_url: str) -> None:
    assert "Strict-Transport-Security" not in client.get("/").headers
    behind_tls = create_app(settings_for(tmp_path, database_url, SHOP_URL="https://shop.example")).test_client()
    answer = behind_tls.get("/", base_url="https://shop.example")
    assert int(re.search(r"max-age=(\d+)", answer.headers["Strict-Transport-Security"]).group(1)) >= 31_536_000


@pytest.mark.parametrize(
    ("settings", "checkout"),
    [
        ({"SANDBOX_PORT": "12345"}, "http://127.0.0.1:12345"),
        ({"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x"}, "https://checkout.stripe.com"),
    ],
)
def test_forms_go_to_the_shop_and_to_stripes_page(tmp_path, database_url: str, settings: dict, checkout: str) -> None:
    client = create_app(settings_for(tmp_path, database_url, **settings)).test_client()
    assert f"form-action 'self' {checkout};" in client.get("/").headers["Content-Security-Policy"]


def test_public_pages_set_no_cookie_and_hold_no_form(app: Flask, shop: Shop) -> None:
    shop.film()
    fresh, has_seen_a_form = app.test_client(), app.test_client()
    has_seen_a_form.get("/connexion")
    for client in (fresh, has_seen_a_form):
        for address in PUBLIC:
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert "Set-Cookie" not in answer.headers, address
            assert 'method="post"' not in answer.text and "csrf_token" not in answer.text, address


def test_pages_with_a_form_are_never_stored(client: FlaskClient) -> None:
    for address in WITH_A_FORM:
        for visit in ("first", "second"):
            answer = client.get(address)
            assert "<form" in answer.text
            assert answer.headers["Cache-Control"] == "no-store", f"{address}, {visit} visit"
    refused = client.post("/connexion", data={"csrf_token": csrf_of(client, "/connexion")})
    assert refused.headers["Cache-Control"] == "no-store"


def test_pages_of_somebody_are_never_stored(client: FlaskClient, shop: Shop) -> None:
    shop.film()
    client = shop.signed_in(shop.customer(credit=500))
    for address in [*PUBLIC, *WITH_A_FORM, "/compte", "/compte/credit", "/compte/films", "/nothing"]:
        assert client.get(address).headers["Cache-Control"] == "no-store", address


def test_an_unknown_host_is_refused(client: FlaskClient) -> None:
    for host in ("example.org", "localhost.example.org", "example.org:80", "127.0.0.1", "", "loc alhost", "[::1", "é"):
        for address in ("/", "/connexion", "/nothing", "/static/icons/icon.svg"):
            answer = client.get(address, headers={"Host": host})
            assert answer.status_code == 400, f"{host} {address}"
            assert 'class="error-code"' in answer.text


def test_a_forwarded_host_counts_only_behind_a_proxy(tmp_path, database_url: str) -> None:
    lie = {"X-Forwarded-Host": "example.org", "X-Forwarded-Proto": "https"}
    direct = create_app(settings_for(tmp_path, database_url)).test_client()
    assert direct.get("/", headers=lie).status_code == 200
    behind_proxy = create_app(settings_for(tmp_path, database_url, PROXY_HOPS="1")).test_client()
    assert behind_proxy.get("/", headers=lie).status_code == 400
