"""The desk's first page: what is open, what was seen, and for whom the header counts it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from store import clock, create_app
from store.audit.alert import mark_seen, raise_alert
from store.audit.models import Alert, AuditEntry
from store.db import db, transaction
from tests.conftest import both_engines, settings_for
from tests.shop import Person, Shop, csrf_of

PAGE = "/equipe/alertes"
MOST_QUERIES = 5


@pytest.fixture
def staff(shop: Shop) -> Person:
    return shop.staff()


@pytest.fixture
def desk(shop: Shop, staff: Person) -> FlaskClient:
    """The browser of somebody who works here."""
    return shop.signed_in(staff)


@pytest.fixture
def tell(app: Flask) -> Callable[..., None]:
    """`tell(kind, facts)` raises an alert, three hours ago."""
    keys = iter(range(1000))

    def tell(kind: str, /, **facts: Any) -> None:
        with app.app_context(), transaction() as session:
            raise_alert(session, kind, f"{next(keys)}", facts, clock.now() - timedelta(hours=3))

    return tell


def shown(client: FlaskClient, address: str = PAGE) -> list[int]:
    """The ids of the alerts on a page."""
    answer = client.get(address)
    assert answer.status_code == 200
    return [int(found) for found in re.findall(r'id="alerte-(\d+)"', answer.text)]


def see(client: FlaskClient, alert_id: int, **more: str) -> Any:
    return client.post(f"{PAGE}/{alert_id}/vue", data={"csrf_token": csrf_of(client, "/compte"), **more})


def test_an_alert_says_what_happened_and_what_to_do(desk: FlaskClient, tell: Callable[..., None]) -> None:
    tell("payment_mismatch", session="cs_test_a1", order="o_1", amount=1999, currency="usd", expected=2000)
    page = desk.get(PAGE).text
    for words in (
        "Un paiement ne correspond pas à sa commande",
        "aucun crédit n’a été donné",
        "remboursez-le",
        "il\u00a0y\u00a0a\u00a03\u00a0heures",
        "<dt>Montant</dt><dd>19,99\u00a0$US</dd>",
        "<dt>Montant attendu</dt><dd>20,00\u00a0€</dd>",
        "<dt>Commande</dt><dd>o_1</dd>",
    ):
        assert words in page


def test_what_the_shop_has_no_words_for_is_shown_and_harmless(desk: FlaskClient, tell: Callable[..., None]) -> None:
    tell("<script>alert(1)</script>", what="<img src=x onerror=y>", nested={"deep": [1]}, amount="many", first=[])
    page = desk.get(PAGE).text
    assert "Quelque chose demande votre attention" in page
    assert "&lt;img src=x onerror=y&gt;" in page and "&lt;script&gt;alert(1)" in page
    assert "<img src=x" not in page and "<script>" not in page


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"SANDBOX_PORT": "12345"}, "http://127.0.0.1:12345/_sandbox/"),
        ({"STRIPE_SECRET_KEY": "sk_test_x"}, "https://dashboard.stripe.com/test/search?query=re_1Nabc"),
        ({"STRIPE_SECRET_KEY": "sk_live_x"}, "https://dashboard.stripe.com/search?query=re_1Nabc"),
    ],
)
def test_stripes_references_lead_to_stripe(
    tmp_path, database_url: str, staff: Person, tell: Callable[..., None], settings: dict[str, str], address: str
) -> None:
    if "STRIPE_SECRET_KEY" in settings:
        settings = {**settings, "STRIPE_WEBHOOK_SECRETS": "whsec_x"}
    tell("refund_failed", refund="re_1Nabc", order="o_1", reference="javascript:alert(1)")
    client = Shop(create_app(settings_for(tmp_path, database_url, **settings))).signed_in(staff)
    page = client.get(PAGE).text
    assert f'<a href="{address}" rel="noreferrer">re_1Nabc</a>' in page
    assert page.count('rel="noreferrer"') == 1


@both_engines
def test_seen_alerts_leave_the_list_and_say_who_saw_them(
    app: Flask, desk: FlaskClient, staff: Person, tell: Callable[..., None]
) -> None:
    for _ in range(3):
        tell("dispute_won", dispute="du_1")
    assert shown(desk) == [3, 2, 1]
    answer = see(desk, 2)
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert 'role="status"' in desk.get(PAGE).text
    assert shown(desk) == [3, 1]
    assert shown(desk, f"{PAGE}?toutes=1") == [3, 1, 2]
    assert "Vue par Jeanne" in desk.get(f"{PAGE}?toutes=1").text
    assert see(desk, 2, toutes="1").location == f"{PAGE}?toutes=1"
    with app.app_context():
        assert db.session.get(Alert, 2).seen_by == staff.id
        [entry] = db.session.scalars(select(AuditEntry))
        assert (entry.actor, entry.act, entry.subject) == (staff.id, "alert.seen", "alert:2")


@pytest.mark.parametrize("alert_id", ["0", "2", str(2**63 - 1), str(2**63), "x", "-1"])
def test_an_alert_that_is_not_there_is_404(desk: FlaskClient, tell: Callable[..., None], alert_id: str) -> None:
    tell("dispute_won", dispute="du_1")
    assert see(desk, alert_id).status_code == 404
    assert shown(desk) == [1]


@both_engines
def test_pages_follow_each_other(app: Flask, desk: FlaskClient, staff: Person, tell: Callable[..., None]) -> None:
    for _ in range(46):
        tell("dispute_won", dispute="du_1")
    seen = [*range(46, 22, -1), 3]
    with app.app_context(), transaction() as session:
        for alert_id in seen:
            mark_seen(session, alert_id, staff.id, clock.now())

    def walk(address: str) -> list[int]:
        found = []
        for _ in range(5):
            found += shown(desk, address)
            onward = re.search(r'href="([^"]+)" rel="next"', desk.get(address).text)
            if onward is None:
                return found
            address = onward[1].replace("&amp;", "&")
        raise AssertionError("the pages never end")

    still_open = [number for number in range(22, 0, -1) if number != 3]
    assert walk(PAGE) == still_open
    assert walk(f"{PAGE}?toutes=1") == [*still_open, *seen]


def test_an_empty_page_says_why_and_offers_something(desk: FlaskClient, tell: Callable[..., None]) -> None:
    assert "Rien ne vous attend" in desk.get(PAGE).text
    assert f'class="button button-outline" href="{PAGE}?toutes=1"' in desk.get(PAGE).text
    assert 'class="button button-outline" href="/preuve"' in desk.get(f"{PAGE}?toutes=1").text
    tell("dispute_won", dispute="du_1")
    assert 'rel="next"' not in desk.get(PAGE).text
    beyond = desk.get(f"{PAGE}?apres=1").text
    assert "plus anciennes" in beyond and f'class="button button-outline" href="{PAGE}"' in beyond


@both_engines
def test_the_desk_asks_little(desk: FlaskClient, tell: Callable[..., None], query_count) -> None:
    for _ in range(25):
        tell("refund_failed", refund="re_1", amount=350)
    for alert_id in range(1, 20):
        see(desk, alert_id)
    desk.get(PAGE)
    for address in (PAGE, f"{PAGE}?toutes=1"):
        with query_count() as queries:
            desk.get(address)
        assert len(queries) <= MOST_QUERIES, queries


def test_only_staff_are_counted_for(
    app: Flask, shop: Shop, desk: FlaskClient, tell: Callable[..., None], query_count
) -> None:
    stranger, customer = app.test_client(), shop.signed_in(shop.customer())
    for _ in range(12):
        tell("dispute_won", dispute="du_1")
    for client, counts in ((stranger, 0), (customer, 0), (desk, 1)):
        with query_count() as queries:
            page = client.get("/aide").text
        assert sum(" alert" in query for query in queries) == counts
        assert (">Équipe" in page, 'class="desk-count">12<' in page) == (bool(counts), bool(counts))
    see(desk, 1)
    assert 'class="desk-count">11<' in desk.get("/films").text
    assert 'class="desk-count"' in desk.get("/nothing").text
