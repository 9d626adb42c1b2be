"""Routes × roles × methods of the desk. A route that is missing here fails the first test."""

import re
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from store import clock
from store.audit.alert import raise_alert
from store.customers.roles import grant, revoke
from store.db import transaction
from store.web.desk import DESK
from tests.shop import Person, Shop, csrf_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")

FOR_STAFF = {
    "/equipe": {"GET": 303, "HEAD": 303, "OPTIONS": 200},
    "/equipe/alertes": {"GET": 200, "HEAD": 200, "OPTIONS": 200},
    "/equipe/alertes/<alert_id>/vue": {"POST": 303, "OPTIONS": 200},
    "/equipe/courriels": {"GET": 200, "HEAD": 200, "OPTIONS": 200},
    "/equipe/courriels/<kind>": {"GET": 404, "HEAD": 404, "OPTIONS": 200},
    "/equipe/courriels/<kind>/<code>": {"GET": 404, "HEAD": 404, "OPTIONS": 200},
    "/equipe/second-facteur": {"GET": 303, "HEAD": 303, "POST": 422, "OPTIONS": 200},
    "/equipe/second-facteur/codes": {"GET": 200, "HEAD": 200, "POST": 200, "OPTIONS": 200},
    "/equipe/second-facteur/inscription": {"GET": 200, "HEAD": 200, "POST": 303, "OPTIONS": 200},
    "/equipe/ingestions": {"GET": 200, "HEAD": 200, "OPTIONS": 200},
    "/equipe/ingestions/<film_id>/annuler": {"POST": 303, "OPTIONS": 200},
    "/equipe/ingestions/<film_id>/reprendre": {"POST": 303, "OPTIONS": 200},
}
"""What a member of the staff is answered; any other method is 405. Everybody else is always answered 404."""

SPELLINGS = ("/equipe/", "/equipe//alertes", "//equipe/alertes", "/equipe/alertes/", "/equipe/clients")


@pytest.fixture
def staff(app: Flask, shop: Shop) -> Person:
    """Somebody who works here, in a shop with an alert."""
    with app.app_context(), transaction() as session:
        raise_alert(session, "refund_failed", "refund:1", {"refund": "re_1"}, clock.now())
    return shop.staff()


@pytest.fixture(params=["stranger", "customer", "left"])
def outsider(request: pytest.FixtureRequest, app: Flask, shop: Shop, staff: Person) -> FlaskClient:
    """Somebody who is not staff: unknown, a customer, or somebody who was staff as they signed in."""
    if request.param == "stranger":
        return app.test_client()
    person = shop.customer()
    if request.param == "customer":
        return shop.signed_in(person)
    with app.app_context(), transaction() as session:
        grant(session, person.email, "staff", by=None, at=clock.now())
    client = shop.signed_in(person)
    assert client.get("/equipe/alertes").status_code == 200
    with app.app_context(), transaction() as session:
        revoke(session, person.email, by=staff.id, at=clock.now())
    return client


def path_of(rule: str) -> str:
    return re.sub("<[^>]+>", "1", rule)


def test_every_route_of_the_desk_is_in_the_table(app: Flask) -> None:
    of_the_desk: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        name = re.sub(r"<\w+(\([^)]*\))?:", "<", rule.rule)
        if rule.endpoint.startswith("backoffice.") or name.startswith(DESK):
            of_the_desk.setdefault(name, set()).update(rule.methods)
    assert of_the_desk == {name: set(answers) for name, answers in FOR_STAFF.items()}


def test_staff_are_answered(shop: Shop, staff: Person) -> None:
    client = shop.signed_in(staff)
    token = csrf_of(client, "/compte")
    for rule, method in product(FOR_STAFF, METHODS):
        answer = client.open(path_of(rule), method=method, data={"csrf_token": token})
        assert answer.status_code == FOR_STAFF[rule].get(method, 405), f"{method} {rule}"


def test_to_others_the_desk_is_an_address_of_nothing(outsider: FlaskClient) -> None:
    """The same answer as for any missing page: no hint by a status, a header, a method or a missing token."""
    token = csrf_of(outsider, "/connexion" if outsider.get("/compte").status_code == 303 else "/compte")
    requests = [{"method": method, "data": {"csrf_token": token}} for method in METHODS]
    requests += [{"method": "POST"}, {"method": "POST", "data": {"csrf_token": "x"}}]
    requests += [{"method": "POST", "headers": {"Origin": "http://example.org"}}, {"headers": {"Host": "example.org"}}]
    for request in requests:
        missing = outsider.open("/nothing/here", **request)
        assert missing.status_code == (400 if "headers" in request else 404)
        for path in [*map(path_of, FOR_STAFF), *SPELLINGS]:
            hidden = outsider.open(environ_overrides={"PATH_INFO": path}, **request)
            assert told(hidden, path) == told(missing, "/nothing/here"), f"{path} {request}"


def told(answer: TestResponse, path: str) -> tuple[object, ...]:
    """All that an answer says, but for the address that was asked for, which the page repeats in the other language."""
    page = re.sub(r'value="[^"]{40,}"', "", answer.text)
    page = page.replace(f'href="/en/{path.lstrip("/")}"', "")
    left_out = {"Date", "Set-Cookie", "Content-Length", "X-Request-Id"}
    headers = {name: value for name, value in answer.headers.items() if name not in left_out}
    return answer.status_code, headers, page
