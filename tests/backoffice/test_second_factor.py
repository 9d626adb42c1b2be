"""The desk's door: an app's codes, each once, codes for its loss, or a passkey; ten failures close it for a while."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from store import clock
from store.audit.models import AuditEntry
from store.customers.models import RecoveryCode, SecondFactor
from store.customers.roles import grant
from store.db import db, transaction
from tests.authenticator import Authenticator
from tests.conftest import both_engines
from tests.customers.test_passkeys import add, question, show
from tests.shop import SECOND_FACTOR, Person, Shop, csrf_of

DOOR = "/equipe/second-facteur"
ENROL = f"{DOOR}/inscription"
CODES = f"{DOOR}/codes"
NOW = datetime(2026, 11, 23, 20, 0, 10, tzinfo=UTC)


@pytest.fixture
def person(shop: Shop) -> Person:
    return shop.staff()


@pytest.fixture
def client(shop: Shop, person: Person) -> FlaskClient:
    """The browser of a member of the staff who has shown a password alone."""
    return shop.signed_in(person, with_second_factor=False)


@pytest.fixture
def clock_hands() -> Iterator[time_machine.Traveller]:
    """It is eight in the evening until somebody moves the hands. Comes before the browsers that sign in then."""
    with time_machine.travel(NOW, tick=False) as clock_hands:
        yield clock_hands


def code_at(moment: datetime) -> str:
    return pyotp.TOTP(SECOND_FACTOR).at(moment)


def send(client: FlaskClient, code: str, **more: str) -> TestResponse:
    return client.post(DOOR, data={"code": code, "csrf_token": csrf_of(client, "/compte"), **more})


def desk_is_open(client: FlaskClient) -> bool:
    return client.get("/equipe/alertes").status_code == 200


def new_codes(page: TestResponse) -> list[str]:
    found = re.findall(r"<li>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</li>", page.text)
    assert page.headers["Cache-Control"] == "no-store"
    return found


@both_engines
def test_a_code_opens_the_desk_where_one_wanted_to_go(app: Flask, client: FlaskClient) -> None:
    asked = client.get("/equipe/alertes?toutes=1")
    assert (asked.status_code, asked.location) == (303, f"{DOOR}?next=/equipe/alertes?toutes%3D1")
    assert 'value="/equipe/alertes?toutes=1"' in client.get(asked.location).text
    with app.app_context():
        code = code_at(clock.now())
    answer = send(client, f" {code[:3]} {code[3:]} ", next="/equipe/alertes?toutes=1")
    assert (answer.status_code, answer.location) == (303, "/equipe/alertes?toutes=1")
    assert desk_is_open(client)
    with app.app_context():
        assert db.session.scalars(select(AuditEntry.act)).all() == ["second_factor.shown"]


def test_nothing_is_done_before(app: Flask, client: FlaskClient) -> None:
    token = {"csrf_token": csrf_of(client, "/compte")}
    for address in ("/equipe/alertes/1/vue", CODES):
        assert client.post(address, data=token).location.startswith(f"{DOOR}?next=")
    assert client.get("/equipe/nothing").status_code == 404
    with app.app_context():
        assert db.session.scalars(select(RecoveryCode)).all() == []


@both_engines
def test_a_code_is_taken_once_even_at_once(app: Flask, shop: Shop, person: Person) -> None:
    clients = [shop.signed_in(person, with_second_factor=False) for _ in range(6)]
    barrier = threading.Barrier(len(clients))
    tokens = [csrf_of(client, "/compte") for client in clients]
    with app.app_context():
        code = code_at(clock.now())

    def press(number: int) -> int:
        barrier.wait()
        return clients[number].post(DOOR, data={"code": code, "csrf_token": tokens[number]}).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        statuses = list(pool.map(press, range(len(clients))))
    assert sorted(statuses) == [303] + [422] * 5
    assert [desk_is_open(client) for client in clients] == [status == 303 for status in statuses]


def test_a_clock_may_be_a_step_off_and_no_code_is_taken_after_a_later_one(
    clock_hands: time_machine.Traveller, client: FlaskClient
) -> None:
    step = timedelta(seconds=30)
    for code, status in (
        (code_at(NOW - 2 * step), 422),
        (code_at(NOW + 2 * step), 422),
        (code_at(NOW - step), 303),
        (code_at(NOW - step), 422),
        (code_at(NOW + step), 303),
        (code_at(NOW), 422),
    ):
        assert send(client, code).status_code == status, code
    clock_hands.shift(2 * step)
    assert send(client, code_at(NOW + 2 * step)).status_code == 303


@pytest.mark.parametrize(
    "code", ["", "x", "000000\0", "１２３４５６", "1" * 61, "<script>", "AAAA-BBBB-CCCC-DDDD", "-"]
)
def test_odd_codes_are_refused_beside_the_field(client: FlaskClient, code: str) -> None:
    refused = send(client, code)
    assert refused.status_code == 422 and 'id="code-error"' in refused.text and "<script>" not in refused.text


def test_ten_failures_close_the_door_for_a_while(
    clock_hands: time_machine.Traveller, shop: Shop, person: Person
) -> None:
    clients = [shop.signed_in(person, with_second_factor=False) for _ in range(2)]
    clients[1].environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert {send(clients[number % 2], "000000").status_code for number in range(10)} == {422}
    refused = send(clients[1], code_at(NOW))
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 301
    clock_hands.shift(301)
    assert send(clients[1], code_at(NOW + timedelta(seconds=301))).status_code == 303


def test_the_desk_closes_after_a_working_day(clock_hands: time_machine.Traveller, client: FlaskClient) -> None:
    send(client, code_at(NOW))
    clock_hands.shift(timedelta(hours=12, seconds=-1))
    assert desk_is_open(client)
    clock_hands.shift(timedelta(seconds=1))
    assert not desk_is_open(client)


def test_what_matters_most_asks_again_after_a_quarter_of_an_hour(
    clock_hands: time_machine.Traveller, client: FlaskClient
) -> None:
    send(client, code_at(NOW))
    token = {"csrf_token": csrf_of(client, "/compte")}
    assert len(new_codes(client.post(CODES, data=token))) == 10
    clock_hands.shift(timedelta(minutes=15))
    assert desk_is_open(client)
    assert client.post(CODES, data=token).location == f"{DOOR}?next={CODES}"
    assert client.get(ENROL).location == f"{DOOR}?next={ENROL}"
    for act in ("cles", "adresse"):  # a password is not enough to add a passkey that would open the desk
        assert client.post(f"/compte/securite/{act}", data=token).location == f"{DOOR}?next=/compte/securite"
    assert send(client, code_at(NOW + timedelta(minutes=15)), next=CODES).location == CODES
    assert client.get(CODES).status_code == 200


@both_engines
def test_a_recovery_code_opens_once(app: Flask, shop: Shop, person: Person) -> None:
    client = shop.signed_in(person)
    before = new_codes(client.post(CODES, data={"csrf_token": csrf_of(client, "/compte")}))
    codes = new_codes(client.post(CODES, data={"csrf_token": csrf_of(client, "/compte")}))
    assert len({*before, *codes}) == 20
    with app.app_context():
        assert set(db.session.scalars(select(AuditEntry.act))) == {"second_factor.codes_replaced"}
    lost = shop.signed_in(person, with_second_factor=False)
    assert send(lost, before[0]).status_code == 422, "replaced, and still good"
    assert send(lost, codes[0].lower().replace("-", " ")).status_code == 303
    assert desk_is_open(lost) and "9 codes" in lost.get(CODES).text
    assert send(shop.signed_in(person, with_second_factor=False), codes[0]).status_code == 422
    with app.app_context():
        kept = str([(row.digest, row.customer_id) for row in db.session.scalars(select(RecoveryCode))])
    assert not any(code.replace("-", "") in kept for code in codes)


@both_engines
def test_the_first_visit_gives_an_app_its_secret(app: Flask, shop: Shop) -> None:
    newcomer = shop.customer()
    with app.app_context(), transaction() as session:
        grant(session, newcomer.email, "staff", by=None, at=clock.now())
    client = shop.signed_in(newcomer, with_second_factor=False)
    asked = client.get("/equipe/alertes", follow_redirects=True)
    assert asked.request.path == ENROL and asked.headers["Cache-Control"] == "no-store"
    secret = re.search(r'data-secret="([A-Z2-7]{32})"', asked.text)[1]
    sealed, token = (
        re.search(rf'name="{name}"[^>]* value="([^"]+)"', asked.text)[1] for name in ("sealed", "csrf_token")
    )
    assert secret not in sealed
    fields = {"sealed": sealed, "csrf_token": token, "next": "/equipe/alertes"}
    wrong = client.post(ENROL, data=fields | {"code": "000000"})
    assert wrong.status_code == 422 and secret in wrong.text
    assert client.post(ENROL, data=fields | {"sealed": "x", "code": "1"}).location.startswith(ENROL)
    with app.app_context():
        code = pyotp.TOTP(secret).at(clock.now())
    codes = client.post(ENROL, data=fields | {"code": code})
    assert len(new_codes(codes)) == 10 and 'href="/equipe/alertes"' in codes.text
    assert desk_is_open(client)
    with app.app_context():
        assert "second_factor.enrolled" in db.session.scalars(select(AuditEntry.act)).all()
        kept = db.session.scalars(select(SecondFactor)).one()
        assert secret not in kept.sealed_secret
    assert send(shop.signed_in(newcomer, with_second_factor=False), code).status_code == 422, (
        "its first code is good twice"
    )


def test_a_passkey_is_a_second_factor_too(app: Flask, shop: Shop, person: Person) -> None:
    client, passkey, others = shop.signed_in(person), Authenticator(), Authenticator()
    assert add(client, passkey).status_code == 303
    add(shop.signed_in(shop.customer()), others)
    later = shop.signed_in(person, with_second_factor=False)
    for shown_by, status in ((others, 422), (passkey, 303)):
        answer = shown_by.show(question(later, "defi", "/compte"))
        assert send(later, "", passkey=answer).status_code == status
    assert desk_is_open(later)
    by_passkey_alone = app.test_client()
    assert show(by_passkey_alone, passkey).status_code == 303
    assert desk_is_open(by_passkey_alone), "what was shown already is asked for again"


@both_engines
def test_whoever_runs_the_shop_helps_who_lost_everything(app: Flask, shop: Shop, person: Person) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["staff", "forget-factor", "nobody@example.org"]).exit_code == 1
    assert run(args=["staff", "forget-factor", person.email]).exit_code == 0
    client = shop.signed_in(person, with_second_factor=False)
    assert client.get("/equipe", follow_redirects=True).request.path == ENROL
    with app.app_context():
        assert "second_factor.forgotten" in db.session.scalars(select(AuditEntry.act)).all()


def test_another_secret_key_makes_no_codes(app: Flask, client: FlaskClient) -> None:
    app.config["SECRET_KEY"], before = "another secret of the shop, as long as need be", app.config["SECRET_KEY"]
    fields = {"code": code_at(datetime.now(UTC))}
    assert client.get("/compte").status_code == 303  # nobody is signed in either
    app.config["SECRET_KEY"] = before
    with app.app_context(), transaction() as session:
        session.scalars(select(SecondFactor)).one().sealed_secret = "x"
    assert send(client, fields["code"]).status_code == 422
