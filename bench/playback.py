"""Token renewals of a hundred viewers, each every ten seconds, as their players ask: how long each waits for its answer."""

import http.client
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bench import Verdict, at_most, row
from bench.pages import AGENT, ORIGIN
from bench.shop import Environ, counted_queries, served
from store import clock
from store.customers.models import Customer
from store.customers.passwords import hash_password
from store.customers.register import register
from store.db import db, transaction
from store.demo.seed import PASSWORD
from store.ledger.chart import GOODWILL
from store.ledger.post import NewLot, deposit, lock_wallet
from store.rentals.rent import Terms, buy

VIEWERS = 100
RENEWED_EVERY_S = 10.0
MEASURED_S = 30.0
ASKING_AT_ONCE = 16
FILM = "la-sociale"
MOST_MS = 25.0


@dataclass
class Viewer:
    """A signed-in browser in which the film runs."""

    client: FlaskClient
    cookie: str
    csrf: str
    renew: str
    sequence: int = 0

    def fields(self) -> dict[str, str]:
        """What the next renewal says."""
        self.sequence += 1
        return {"csrf_token": self.csrf, "position_s": str(self.sequence % 20), "sequence": str(self.sequence)}


def measure_playback(app: Flask, environ: Environ) -> list[Verdict]:
    """Print a row for the renewals and one for a constant that is asked in the same rhythm."""
    viewers = _audience(app)
    with counted_queries(app) as queries:
        answer = viewers[0].client.post(viewers[0].renew, data=viewers[0].fields(), base_url=ORIGIN, headers=AGENT)
        assert answer.status_code == 200, answer.text
    cpu_ms = _cpu_ms(viewers)
    row("renewals of 100 viewers", "asked", "p50 ms", "p95 ms", "p99 ms", "queries", "CPU ms")
    with served("bench.constant:app", {}) as constant_port, served("wsgi:app", environ) as shop_port:
        for viewer in viewers[:8]:
            _renew(shop_port, viewer)  # starting is not part of the measure
        waits = {
            "renewal": _in_rhythm(viewers, lambda viewer: _renew(shop_port, viewer)),
            "a constant": _in_rhythm(viewers, lambda _: _ask(constant_port, "GET", "/")),
        }
    for name, found in waits.items():
        asked = str(len(found))
        own = (str(len(queries)), f"{cpu_ms:.2f}") if name == "renewal" else ()
        row(name, asked, *(f"{_percentile(found, share):.1f}" for share in (50, 95, 99)), *own)
    return [at_most("token renewal at 100 viewers, p99 in ms", _percentile(waits["renewal"], 99), MOST_MS)]


def _cpu_ms(viewers: list[Viewer]) -> float:
    """This process's CPU time for one renewal: SQLite's is in it, that of PostgreSQL's server is not."""
    began = time.process_time()
    for viewer in viewers:
        viewer.client.post(viewer.renew, data=viewer.fields(), base_url=ORIGIN, headers=AGENT)
    return (time.process_time() - began) * 1000 / len(viewers)


def _audience(app: Flask) -> list[Viewer]:
    with app.app_context():
        password_hash = hash_password(PASSWORD)
    emails = [f"viewer-{number}@example.org" for number in range(VIEWERS)]
    for email in emails:
        with app.app_context():
            _buyer(app, email, password_hash)
    signed_in = [_signed_in(app, email) for email in emails]
    return [_playing(app, client) for client in signed_in]  # at last: a stream that is silent for long is over


def _buyer(app: Flask, email: str, password_hash: str) -> None:
    at, currency = clock.now(), app.config["SHOP_CURRENCY"]
    with transaction() as session:
        customer_id = register(
            session, email=email, name="Viewer", password_hash=password_hash, currency=currency, at=at
        )
        wallet_id = session.scalars(select(Customer.wallet_id).where(Customer.id == customer_id)).one()
        lots = [NewLot("paid", 20_00, GOODWILL)]
        wallet = lock_wallet(session, wallet_id)
        deposit(session, wallet, lots, kind="card", key=f"bench:{email}", reference=f"bench:{email}", at=at)
    with transaction() as session:
        buy(session, customer_id, wallet_id, FILM, Terms.of(app.config), at)
    db.session.rollback()


def _signed_in(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    csrf = _token_on(client, "/connexion", r'name="csrf_token"[^>]*value="([^"]+)"')
    fields = {"email": email, "password": PASSWORD, "csrf_token": csrf}
    assert client.post("/connexion", base_url=ORIGIN, headers=AGENT, data=fields).status_code == 303
    return client


def _playing(app: Flask, client: FlaskClient) -> Viewer:
    csrf = _token_on(client, f"/films/{FILM}/voir", r'data-csrf="([^"]+)"')
    begun = client.post(f"/films/{FILM}/lecture", base_url=ORIGIN, headers=AGENT, data={"csrf_token": csrf})
    assert begun.status_code == 200, begun.text
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name, "127.0.0.1")
    assert cookie
    return Viewer(client, f"{name}={cookie.value}", csrf, begun.get_json()["renew"])


def _token_on(client: FlaskClient, page: str, shape: str) -> str:
    found = re.search(shape, client.get(page, base_url=ORIGIN, headers=AGENT).text)
    assert found, page
    return found[1]


def _in_rhythm(viewers: list[Viewer], ask: Callable[[Viewer], None]) -> list[float]:
    """Milliseconds from the moment at which each asking was due to its answer: who queues waits, too."""
    step_s, began = RENEWED_EVERY_S / len(viewers), time.monotonic() + 0.1

    def ask_in_time(turn: int) -> float:
        due = began + turn * step_s
        time.sleep(max(0.0, due - time.monotonic()))  # the rhythm at which players renew
        ask(viewers[turn % len(viewers)])
        return (time.monotonic() - due) * 1000

    with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
        return list(pool.map(ask_in_time, range(round(MEASURED_S / step_s))))


def _renew(port: int, viewer: Viewer) -> None:
    _ask(port, "POST", viewer.renew, urlencode(viewer.fields()), {"Cookie": viewer.cookie})


def _ask(port: int, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body, {**AGENT, **kind, **(headers or {})})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status}")
    finally:
        connection.close()


def _percentile(found: list[float], share: int) -> float:
    return quantiles(found, n=100, method="inclusive")[share - 1]
