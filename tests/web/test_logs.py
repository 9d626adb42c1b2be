"""No secret and nobody's data in a log line, whoever writes it and however deep it sits."""

import logging
import sys
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
import structlog
from flask import Flask
from sqlalchemy import insert

from store.customers.models import Customer
from store.customers.passwords import hash_password
from store.db import transaction
from store.logs import Masking, init_logs, mask
from store.playback.tokens import make_token
from tests.log_watch import secrets_in
from tests.shop import Shop

MEDIA_TOKEN = make_token([(1, "x" * 32)], "lease-1", "la-sociale", "0" * 16, datetime.now(UTC), timedelta(minutes=2))
SECRETS = [
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "rk_test_4eC39HqLyjWDarjtT1zdp7dc",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "cs_test_a1B2c3D4",
    "jeanne.dupont+films@example.org",
    "élise@cinéma.example",
    MEDIA_TOKEN,
    "Q2nJ0fUu5n3mQ5r8Hk2dX-w_T7yZ1aB3cD5eF7gH9iJ",
    "eyJjc3JmX3Rva2VuIjoiYSJ9.awTuCg.GfnjDORymSiKIFgV0M8qdBNXATI",
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA",
]


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_no_secret_in_a_line(capsys: pytest.CaptureFixture[str], secret: str) -> None:
    init_logs()
    log = structlog.get_logger()
    log.warning(f"about {secret}", path=f"/x/{secret}/y", nested={"deep": [secret]}, error=ValueError(secret))
    line = capsys.readouterr().err
    assert line.count("[…]") == 4
    assert secret not in line and secret[-12:] not in line


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_no_secret_in_a_line_of_the_standard_library(secret: str) -> None:
    try:
        raise ValueError(secret)
    except ValueError:
        record = logging.LogRecord("waitress", logging.ERROR, "x.py", 1, "about %s", (secret,), sys.exc_info())
    line = Masking().format(record)
    assert "Traceback" in line and line.count("[…]") == 2
    assert secret not in line


@pytest.mark.parametrize("path", ["/mot-de-passe/abc.def", "/confirmer/abc.def", "/rappels/abc.def"])
def test_no_link_that_opens_an_account(path: str) -> None:
    assert mask(f"GET {path}?x=1 404") == f"GET /{path.split('/')[1]}/[…]?x=1 404"


def test_what_helps_stays() -> None:
    line = "level='error' event='job failed' job='checkout.settle' task_id=12 path='/films/la-sociale' error='TimeoutError()'"
    assert mask(line) == line


@pytest.mark.parametrize("piece", ["x", "x.", "x-", "1.", "sk_", "/confirmer/", "[parameters: "])
def test_a_long_line_is_masked_at_once(piece: str) -> None:
    before = process_time()
    mask(piece * 30_000)
    assert process_time() - before < 0.5


def test_an_error_page_tells_the_log_nothing_of_the_customer(
    capsys: pytest.CaptureFixture[str], app: Flask, shop: Shop
) -> None:
    init_logs()

    def break_down() -> str:
        with transaction() as session:
            again = insert(Customer).values(
                email="jeanne@example.org",
                name="Jeanne",
                password_hash=digest,
                wallet_id=1,
                joined_at=datetime.now(UTC),
            )
            session.execute(again)
        return ""

    with app.app_context():
        digest = hash_password("secret")
    app.add_url_rule("/breaks", view_func=break_down)
    client = shop.signed_in(shop.customer("jeanne@example.org"))
    assert client.get("/breaks").status_code == 500
    line = capsys.readouterr().err
    assert "unexpected error" in line and "path='/breaks'" in line and "IntegrityError" in line
    for personal in ("jeanne@", "Jeanne", digest, client.get_cookie("session").value):
        assert personal not in line


@pytest.mark.parametrize(
    "logged",
    [
        "level='error' event='x' path='/y' key='sk_live_4eC39Hq'",
        '{"event": "x", "level": "error", "who": "jeanne@example.org"}',
        "2026-11-28 10:00:00,000 ERROR waitress about ABCDE-FGHJK-MNPQR-STVWX",
    ],
)
def test_a_secret_in_any_log_of_the_suite_is_seen(logged: str) -> None:
    """`tests/log_watch.py` looks at the log lines of every test, and fails the run."""
    assert len(list(secrets_in(f"Traceback\n{logged}\n"))) == 1
    assert list(secrets_in("level='error' event='x' path='/films/la-sociale' error='TimeoutError()'")) == []
    assert list(secrets_in("jeanne@example.org is no line of the log")) == []
