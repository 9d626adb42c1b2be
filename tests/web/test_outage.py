"""Without its database the shop says so, readably, and comes back by itself; `/sante` tells which part is missing."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert, make_url

from store import clock, create_app
from store.db import db, transaction
from store.jobs.models import Worker
from tests.checkout.own_sandbox import free_port
from tests.conftest import both_engines, database_of, execute_on, settings_for
from tests.shop import Shop, csrf_of

NEEDS_NO_DATABASE = {
    "/aide": 200,
    "/connexion": 200,
    "/inscription": 200,
    "/nothing": 404,
    "/static/icons/icon.svg": 200,
}
NEEDS_IT = ["/", "/films", "/films/la-sociale", "/cartes"]
OF_A_CUSTOMER = ["/compte", "/compte/credit", "/compte/films", "/films/la-sociale/voir"]

Switch = Callable[[bool], None]


@pytest.fixture
def database_is_there(
    app: Flask, engine_name: str, database_url: str, request: pytest.FixtureRequest
) -> Iterator[Switch]:
    """`database_is_there(False)` takes the shop's database away, `database_is_there(True)` brings it back."""

    def move_file(there: bool) -> None:
        path = Path(database_url.removeprefix("sqlite:///"))
        away = path.with_suffix(".away")
        if there:
            path.rmdir()
            away.rename(path)
        else:
            with app.app_context():
                db.engine.dispose()
            path.rename(away)
            path.mkdir()

    def allow_connections(there: bool) -> None:
        server = request.getfixturevalue("postgresql_server")
        name = make_url(database_url).database
        execute_on(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {there}')
        if not there:
            execute_on(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    yield move_file if engine_name == "sqlite" else allow_connections


@both_engines
def test_an_outage_is_said_readably_and_ends_by_itself(app: Flask, shop: Shop, database_is_there: Switch) -> None:
    shop.film()
    stranger, customer = app.test_client(), shop.signed_in(shop.customer(credit=350))
    token = {"csrf_token": csrf_of(customer, "/compte")}
    database_is_there(False)
    assert {address: stranger.get(address).status_code for address in NEEDS_NO_DATABASE} == NEEDS_NO_DATABASE
    answers = [stranger.get(address) for address in NEEDS_IT]
    answers += [customer.get(address) for address in [*NEEDS_IT, *OF_A_CUSTOMER]]
    answers += [customer.post(f"{address}", data=token) for address in ("/films/la-sociale/louer", "/deconnexion")]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert 'class="header"' in answer.text and ">503<" in answer.text
        assert "Set-Cookie" not in answer.headers
    for address in ("/aide", "/nothing"):
        shown = customer.get(address)
        assert shown.status_code == NEEDS_NO_DATABASE[address]
        assert "Mon compte" in shown.text and "Mon crédit" not in shown.text and "Se connecter" not in shown.text
        assert shown.headers["Cache-Control"] == "no-store" and "Set-Cookie" not in shown.headers
    health = stranger.get("/sante")
    assert (health.status_code, health.json["parts"]["database"]) == (503, False)
    assert customer.get("/sante").status_code == 503
    database_is_there(True)
    assert {customer.get(address).status_code for address in [*NEEDS_IT, "/compte", "/aide"]} == {200}


@both_engines
def test_a_database_without_tables_is_no_health(
    engine_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    if engine_name == "postgresql":
        url = database_of(request.getfixturevalue("postgresql_server"), "template1")
    health = create_app(settings_for(tmp_path, url)).test_client().get("/sante")
    assert health.status_code == 503
    assert (health.json["parts"]["database"], health.json["parts"]["worker"]) == (True, False)


@pytest.fixture
def app_without_sandbox(tmp_path: Path, database_url: str) -> Flask:
    """A shop that talks to Stripe itself."""
    return create_app(
        settings_for(tmp_path, database_url, STRIPE_SECRET_KEY="sk_test_x", STRIPE_WEBHOOK_SECRETS="whsec_x")
    )


@pytest.mark.parametrize(("silent_s", "status"), [(None, 503), (0, 200), (15, 200), (21, 503)])
def test_health_needs_a_worker_that_showed_itself(
    app_without_sandbox: Flask, silent_s: int | None, status: int
) -> None:
    if silent_s is not None:
        with app_without_sandbox.app_context(), transaction() as session:
            seen_at = clock.now() - timedelta(seconds=silent_s)
            session.execute(insert(Worker).values(id="w", started_at=seen_at, seen_at=seen_at))
    answer = app_without_sandbox.test_client().get("/sante")
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["parts"] == {"shop": True, "database": True, "worker": status == 200, "media": True}


def test_health_needs_the_sandbox_that_the_demo_uses(tmp_path: Path, database_url: str) -> None:
    client = create_app(settings_for(tmp_path, database_url, SANDBOX_PORT=str(free_port()))).test_client()
    assert client.get("/sante").json["parts"]["sandbox"] is False


@both_engines
def test_kept_pages_go_on_being_shown(app: Flask, shop: Shop, database_is_there: Switch) -> None:
    shop.film()
    client = app.test_client()
    pages = {address: client.get(address).data for address in ("/", "/films/la-sociale")}
    database_is_there(False)
    try:
        for address, page in pages.items():
            answer = client.get(address)
            assert (answer.status_code, answer.data) == (200, page)
    finally:
        database_is_there(True)
