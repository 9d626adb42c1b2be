"""Whoever reads the log sees who came in, who tried, and how."""

import json
from pathlib import Path

import pytest

from store import create_app
from store.web.entrances import ENTRANCES
from tests.conftest import settings_for
from tests.customers.test_sign_in import WRONG, sign_in
from tests.shop import PASSWORD, Shop, csrf_of


def test_each_try_to_come_in_is_logged(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    app = create_app(settings_for(tmp_path, database_url, LOG_FORMAT="json"))
    shop, client = Shop(app), app.test_client()
    person = shop.customer("jeanne@example.org")
    for _ in range(11):
        sign_in(client, "nobody@example.org", WRONG)
    client.environ_base["REMOTE_ADDR"] = "192.0.2.1"
    assert sign_in(client, "jeanne@example.org", PASSWORD).status_code == 303
    client.post("/deconnexion", data={"csrf_token": csrf_of(client, "/compte")})
    client.post("/compte/securite/code", data={"csrf_token": csrf_of(client, "/connexion")})
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines()]
    told = [line for line in lines if line["event"] == "authentication"]
    assert [(line["act"], line["outcome"], line["customer"]) for line in told] == [
        *[("sign in", "refused", None)] * 10,
        ("sign in", "too many tries", None),
        ("sign in", "done", person.id),
        ("sign out", "done", None),
        ("set film code", "asked who first", None),
    ]
    assert all(line["timestamp"] and line["request_id"] for line in told)
    for secret in ("jeanne", "nobody@", WRONG, PASSWORD, "192.0.2.1"):
        assert secret not in written


def test_every_entrance_is_there(app) -> None:
    assert ENTRANCES.keys() <= app.view_functions.keys()
    opening = {name for name in app.view_functions if name.startswith("customers.") or ".second" in name}
    posts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in rule.methods} & opening
    assert posts - ENTRANCES.keys() == {
        *("customers.choose_letters", "customers.declare_country", "customers.send_again"),
        *("customers.ask_passkey", "customers.ask_new_passkey", "customers.rename_passkey"),
    }, "an act by which one comes in belongs to ENTRANCES; what opens nothing, here"
