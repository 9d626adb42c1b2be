"""`/sante` names what is missing, within two seconds each; what can be waited for does not close the shop. Redis may die."""

import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert

from store import clock, create_app
from store.db import transaction
from store.jobs.models import Worker
from store.web.health import REMEMBERED_S
from tests.bucket import client_of, s3_server, settings_for_bucket
from tests.checkout.own_sandbox import free_port
from tests.conftest import settings_for
from tests.postbox import open_postbox
from tests.redis_server import redis_server
from tests.shop import Shop, csrf_of

REAL_STRIPE = {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x"}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port at which somebody takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


def opened(folder: Path, database_url: str, **more: str) -> Flask:
    """A shop whose worker lives."""
    app = create_app(settings_for(folder, database_url, **REAL_STRIPE, **more))
    with app.app_context(), transaction() as session:
        session.execute(insert(Worker).values(id=uuid.uuid4().hex, started_at=clock.now(), seen_at=clock.now()))
    return app


def health(app: Flask) -> tuple[int, str, dict[str, bool]]:
    """The status, its word, and the parts beside the shop's own."""
    app.extensions.pop("health", None)  # as if it had been asked long ago
    began = time.monotonic()
    answer = app.test_client().get("/sante")
    assert time.monotonic() - began < 3
    parts = {name: up for name, up in answer.json["parts"].items() if name not in {"shop", "database", "worker"}}
    return answer.status_code, answer.json["status"], parts


def test_mail_is_asked_and_can_be_waited_for(tmp_path: Path, database_url: str, silent_port: int) -> None:
    app = opened(tmp_path, database_url)
    with open_postbox(app) as box:
        assert health(app) == (200, "up", {"media": True, "mail": True})
    assert health(app) == (200, "degraded", {"media": True, "mail": False})
    assert box.letters == []
    app.config["MAIL_URL"] = f"smtp://127.0.0.1:{silent_port}"
    assert health(app) == (200, "degraded", {"media": True, "mail": False})


def test_redis_is_asked_and_can_be_waited_for(tmp_path: Path, database_url: str, silent_port: int) -> None:
    with redis_server() as redis:
        app = opened(tmp_path, database_url, REDIS_URL=redis.url)
        assert health(app) == (200, "up", {"media": True, "redis": True})
        redis.kill()
        assert health(app) == (200, "degraded", {"media": True, "redis": False})
        redis.start()
        assert health(app) == (200, "up", {"media": True, "redis": True})
    silent = opened(tmp_path, database_url, REDIS_URL=f"redis://127.0.0.1:{silent_port}")
    assert health(silent)[2]["redis"] is False


def test_a_shop_without_its_films_is_none(tmp_path: Path, database_url: str, silent_port: int) -> None:
    with s3_server() as address:
        app = opened(tmp_path, database_url, **settings_for_bucket(address, "health"))
        assert health(app) == (200, "up", {"media": True})
        client_of(address).delete_bucket(Bucket="health")
        assert health(app) == (503, "down", {"media": False})
    for port in (free_port(), silent_port):
        keys = {"S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret", "MEDIA_URL": "s3://films"}
        away = opened(tmp_path / str(port), database_url, S3_ENDPOINT_URL=f"http://127.0.0.1:{port}", **keys)
        assert health(away) == (503, "down", {"media": False})
    in_a_file = opened(tmp_path, database_url, MEDIA_URL=str(tmp_path / "shop.sqlite" / "films"))
    assert health(in_a_file) == (503, "down", {"media": False})


def test_who_asks_often_asks_nobody_else_often(tmp_path: Path, database_url: str) -> None:
    app = opened(tmp_path, database_url)
    with open_postbox(app):
        assert health(app)[2]["mail"] is True
    client = app.test_client()
    assert client.get("/sante").json["parts"]["mail"] is True  # what was said stands
    app.extensions["health"]["mail"] = time.monotonic() - REMEMBERED_S[True] - 0.1, True
    assert client.get("/sante").json["parts"]["mail"] is False


def test_without_redis_tries_are_counted_all_the_same(tmp_path: Path, database_url: str) -> None:
    with redis_server() as redis:
        apps = [create_app(settings_for(tmp_path, database_url, REDIS_URL=redis.url)) for _ in range(2)]
        Shop(apps[0]).customer("jeanne@example.org")
        assert [tries(app, 6)[-1] for app in apps] == [422, 429]  # they count together
        redis.kill()
        assert tries(apps[0], 11) == [422] * 10 + [429]


def tries(app: Flask, count: int) -> list[int]:
    """What one is answered who does not know the password."""
    client = app.test_client()
    fields = {"email": "jeanne@example.org", "password": "wrong-password", "csrf_token": csrf_of(client, "/connexion")}
    return [client.post("/connexion", data=fields).status_code for _ in range(count)]
