"""`/metrics` counts what was answered and tells what the database knows, to whoever may look; every answer has its name."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from config import ROOT
from store import clock, create_app
from store.audit.models import Alert
from store.db import transaction
from store.jobs.enqueue import enqueue, job
from store.jobs.models import Job
from store.jobs.work import run_next
from store.logs import init_logs
from tests.conftest import both_engines, settings_for
from tests.shop import Shop, csrf_of

TOKEN = "a-token-of-the-watchers"
JSON = "json"


def figures(client: FlaskClient, **headers: str) -> dict[str, float]:
    """Each line of `/metrics` by its name and labels."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def films(found: dict[str, float]) -> float:
    return found.get('shop_requests_total{method="GET",route="/films/<slug>",status="2xx"}', 0)


@both_engines
def test_what_was_answered_and_what_the_database_knows(app: Flask, shop: Shop, client: FlaskClient) -> None:
    shop.film()
    shop.customer(credit=350, bonus=50)
    with app.app_context(), transaction() as session:
        late = {"name": "x", "lane": "prompt", "payload": {}, "run_at": clock.now() - timedelta(seconds=90)}
        session.execute(insert(Job).values(late | {"attempts": 1, "error": "no"}))
        session.execute(insert(Job).values(late | {"attempts": 12, "error": "no", "failed_at": clock.now()}))
        session.execute(insert(Job).values(late | {"attempts": 0, "run_at": clock.now() + timedelta(days=1)}))
    before = films(figures(client))
    for address in ("/films/la-sociale", "/films/la-sociale", "/en/films/la-sociale", "/films/nothing"):
        client.get(address)  # the second one comes from what is kept
    found = figures(client)
    assert films(found) == before + 3
    assert found['shop_request_seconds_count{route="/films/<slug>"}'] >= 4
    assert found['shop_jobs_waiting{lane="prompt"}'] == found['shop_jobs_failing{lane="prompt"}'] == 1
    assert 90 <= found['shop_oldest_job_seconds{lane="prompt"}'] < 200
    assert (found["shop_jobs_given_up"], found["shop_worker_up"], found["shop_database_up"]) == (1, 0, 1)
    assert found['shop_credit_outstanding_cents{kind="paid"}'] == 350
    assert found['shop_credit_outstanding_cents{kind="bonus"}'] == 50
    for age in ("shop_webhook_age_seconds", "shop_ledger_check_age_seconds", "shop_closing_age_seconds"):
        assert found[age] != found[age]  # it never was


def test_no_address_is_in_it(client: FlaskClient) -> None:
    client.get("/mot-de-passe/secret-token?code=ABCD")
    client.open("/films", method="ODDITY")
    page = client.get("/metrics").text
    assert "secret-token" not in page and "ABCD" not in page and "ODDITY" not in page


@pytest.mark.parametrize(
    ("token", "headers", "address", "status"),
    [
        (None, {}, "127.0.0.1", 200),
        (None, {}, "192.0.2.1", 404),
        (None, {"X-Forwarded-For": "127.0.0.1"}, "127.0.0.1", 404),
        (TOKEN, {}, "127.0.0.1", 404),
        (TOKEN, {"Authorization": "Bearer wrong"}, "127.0.0.1", 404),
        (TOKEN, {"Authorization": f"Bearer {TOKEN}"}, "192.0.2.1", 200),
    ],
)
def test_who_may_look(
    tmp_path: Path, database_url: str, token: str | None, headers: dict[str, str], address: str, status: int
) -> None:
    more = {"METRICS_TOKEN": token} if token else {}
    client = create_app(settings_for(tmp_path, database_url, **more)).test_client()
    answer = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert answer.headers.get("Cache-Control") == "no-store" or status == 404


def test_several_processes_count_together(tmp_path: Path) -> None:
    """Each answers one page; the last one sees all of them."""
    program = (
        "import os; from config import load; from store import create_app\n"
        "client = create_app(load(os.environ)).test_client()\n"
        "client.get('/connexion', base_url='http://127.0.0.1'); print(client.get('/metrics', base_url='http://127.0.0.1').text)"
    )
    (tmp_path / "counted").mkdir()
    more = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counted"), "SHOP_MODE": "test", "SHOP_URL": "http://127.0.0.1"}
    for expected in (1, 2):
        command = [sys.executable, "-c", program]
        environ = {**os.environ, **more, "INSTANCE_PATH": str(tmp_path)}
        page = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert f'shop_requests_total{{method="GET",route="/connexion",status="2xx"}} {expected}.0' in page
        assert "shop_database_up 0.0" in page


def test_every_answer_has_a_name_that_a_proxy_may_give(tmp_path: Path, database_url: str, client: FlaskClient) -> None:
    given = {"X-Request-Id": "0123456789abcdef"}
    first, second = (client.get("/aide", headers=given).headers["X-Request-Id"] for _ in range(2))
    assert first != second and given["X-Request-Id"] not in (first, second)
    behind = create_app(settings_for(tmp_path, database_url, PROXY_HOPS="1")).test_client()
    assert behind.get("/aide", headers=given).headers["X-Request-Id"] == given["X-Request-Id"]
    assert behind.get("/aide", headers={"X-Request-Id": "x\ny"[:1]}).headers["X-Request-Id"] != "x"


def test_a_line_for_each_request_and_each_job(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(settings_for(tmp_path, database_url, LOG_FORMAT=JSON))
    shop, client = Shop(app), app.test_client()
    film = shop.film("les-jours-heureux")
    shop.customer("jeanne@example.org")
    client.get("/films/les-jours-heureux?q=secret")
    client.get("/films/les-jours-heureux")
    client.get("/films/les-jours-heureux")
    fields = {"email": "jeanne@example.org", "password": "wrong-password", "csrf_token": csrf_of(client, "/connexion")}
    client.post("/connexion", data=fields, environ_overrides={"REMOTE_ADDR": "192.0.2.77"})
    client.get("/mot-de-passe/a-token")
    with app.app_context():
        with transaction() as session:
            enqueue(session, "tests.told", {"film": film})
        assert run_next("w", "prompt")
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["route"] for line in requests] == ["/films/<slug>"] * 3 + ["/connexion"] * 2 + ["/mot-de-passe/[…]"]
    assert [line["status"] for line in requests] == [200, 200, 200, 200, 422, 404]
    assert all(re.fullmatch("[0-9a-f]{16}", line["request_id"]) and line["ms"] >= 0 for line in requests)
    assert requests[0]["queries"] > requests[2]["queries"] == 1  # what is kept asks for its version alone
    [done] = [line for line in lines if line["event"] == "job done"]
    assert (done["job"], done["queries"], done["level"]) == ("tests.told", 1, "info") and done["ms"] >= 0
    for secret in ("jeanne", "wrong-password", "192.0.2.77", "a-token", "les-jours-heureux", "secret"):
        assert secret not in written


@job("tests.told")
def told(film: int) -> None:
    """Ask one thing."""
    with transaction() as session:
        session.get(Alert, film)


def test_a_line_of_json_stays_one_whatever_is_taken_out(capsys: pytest.CaptureFixture[str]) -> None:
    import structlog

    init_logs(JSON)
    structlog.get_logger().error(
        "away", error="UPDATE x [parameters: ('jeanne@example.org')]", nested={"a": ["whsec_x1"]}
    )
    init_logs()
    said = json.loads(capsys.readouterr().err)
    assert (said["error"], said["nested"]) == ("UPDATE x […]", {"a": ["[…]"]})
