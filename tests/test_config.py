"""Settings: what is missing or malformed stops the start with one line that names it; production takes nothing of a demo."""

import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from config import DEMO_SECRET, ROOT, SettingError, demo_port, load
from store import clock, create_app
from store.demo.seed import SPECTATRICE, _seed_account
from tests.conftest import both_engines
from tests.shop import Shop

SECRET = "0123456789abcdef0123456789abcdef"
PRODUCTION = {
    "SHOP_URL": "https://shop.example",
    "SHOP_PUBLISHER": "CinéMutins, SCIC",
    "SECRET_KEY": SECRET,
    "CODE_KEYS": f"1:{SECRET}",
    "MEDIA_TOKEN_KEYS": f"2:{SECRET[::-1]},1:{SECRET}",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRETS": "whsec_new,whsec_old",
    "MAIL_FROM": "CinéMutins <boutique@shop.example>",
}
MALFORMED = {
    "SHOP_MODE": ["prod", "PRODUCTION", "demo,test"],
    "SHOP_URL": [
        "shop.example",
        "https://",
        "https://shop.example/",
        "https://a b",
        "https://u@shop.example",
        "https://x:port",
    ],
    "SHOP_CURRENCY": ["eur", "€", "EURO"],
    "SHOP_COUNTRY": ["fr", "FRA"],
    "SHOP_TIMEZONE": ["Paris", "../etc/passwd", "Europe", "\0"],
    "SHOP_VAT_PERCENT": ["twenty", "-1", "101", "NaN", "Infinity", "5,5"],
    "CARD_VAT_MODE": ["none", "MULTI", "multi,single"],
    "FILM_TAX_PERCENT": ["-1", "5,15", "NaN"],
    "FILMMAKERS_PERCENT": ["half", "100.01"],
    "DATABASE_URL": [
        "shop.sqlite",
        "mysql://localhost/shop",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://host:port/x",
    ],
    "MIGRATION_DATABASE_URL": ["postgresql://", "x"],
    "REDIS_URL": ["localhost", "redis://", "http://localhost:6379", "redis://localhost:port"],
    "MEDIA_URL": ["http://localhost/media", "s3://", "s3://b", "s3://Bucket", "s3://bucket/..", "s3://bucket//films"],
    "MEDIA_SENDER": ["shop", "nginx,app"],
    "SECRET_KEY": ["short"],
    "CODE_KEYS": ["short", SECRET, f":{SECRET}", f"x:{SECRET}", f"²:{SECRET}", f"1:{SECRET[:31]}", ","],
    "MEDIA_TOKEN_KEYS": [f"1:{SECRET},2", f"1:{SECRET},1:{SECRET[::-1]}"],
    "STRIPE_SECRET_KEY": ["pk_live_x", "sk_x", "whsec_x", "sk_live_x y"],
    "STRIPE_WEBHOOK_SECRETS": [",", "sk_live_x", "whsec_x,secret"],
    "STRIPE_API_BASE": ["api.stripe.com", "https://api.stripe.com/v1"],
    "MAIL_URL": ["localhost:25", "smtp://", "smtp://host:port", "http://host"],
    "MAIL_FROM": ["CinéMutins", "a@b\nBcc: c@d", "<>"],
    "COUNTRY_HEADER": ["CF IPCountry", "X:"],
    "RENTAL_START_DAYS": ["0", "-1", "x", "1.5", "٣", "99999999999999999999"],
    "RENTAL_PLAY_HOURS": ["0", "72h"],
    "STREAMS_PER_CUSTOMER": ["0", "two"],
    "PROXY_HOPS": ["-1", "11", "true"],
    "SHOP_CLOCK_OFFSET_S": ["1h", "100000000000"],
}
OF_A_DEMO = {
    "SECRET_KEY": DEMO_SECRET,
    "CODE_KEYS": f"1:{DEMO_SECRET}",
    "MEDIA_TOKEN_KEYS": f"1:{SECRET},2:{DEMO_SECRET}",
    "STRIPE_SECRET_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRETS": "whsec_x,whsec_sandbox",
    "STRIPE_API_BASE": "http://127.0.0.1:12111",
    "SHOP_URL": "http://shop.example",
    "SHOP_STOP_AT": "rent.locked",
    "SHOP_CLOCK_OFFSET_S": "60",
    "FLASK_DEBUG": "1",
}


def complaint(environ: dict[str, str]) -> str:
    with pytest.raises(SettingError) as refusal:
        load(environ)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_production_is_the_default_and_starts_with_what_it_needs() -> None:
    settings = load(PRODUCTION)
    assert (settings["SHOP_MODE"], settings["DEBUG"], settings["TESTING"]) == ("production", False, False)
    assert settings["MEDIA_TOKEN_KEYS"] == [(2, SECRET[::-1]), (1, SECRET)]
    assert settings["SHOP_VAT_PERCENT"] == Decimal(20)
    assert settings["DATABASE_URL"] == f"sqlite:///{ROOT / 'instance' / 'shop.sqlite'}"
    assert settings["SESSION_COOKIE_NAME"] == "__Host-session" and settings["SESSION_COOKIE_SECURE"]
    assert load({"SHOP_MODE": "demo"})["SESSION_COOKIE_NAME"] == "session"


@pytest.mark.parametrize("name", PRODUCTION)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_missing_is_named(name: str, value: str | None) -> None:
    environ = {key: content for key, content in PRODUCTION.items() if key != name}
    assert complaint(environ if value is None else environ | {name: value}).startswith(f"{name}: missing")


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values])
def test_what_is_malformed_is_named(name: str, value: str) -> None:
    assert complaint({**PRODUCTION, name: value}).startswith(f"{name}: ")


def test_a_bucket_is_named_with_what_opens_it() -> None:
    assert load(PRODUCTION)["MEDIA_BUCKET"] is None
    bucket = {"MEDIA_URL": "s3://films.example/shop/films/", "S3_ACCESS_KEY_ID": "id", "S3_SECRET_ACCESS_KEY": SECRET}
    read = load(PRODUCTION | bucket | {"S3_ENDPOINT_URL": "https://s3.example:9000", "S3_REGION": "gra"})[
        "MEDIA_BUCKET"
    ]
    assert (read["name"], read["prefix"], read["secret"]) == ("films.example", "shop/films/", SECRET)
    assert (read["endpoint"], read["region"]) == ("https://s3.example:9000", "gra")
    assert load(PRODUCTION | bucket | {"MEDIA_URL": "s3://films"})["MEDIA_BUCKET"]["prefix"] == ""
    assert complaint(PRODUCTION | bucket | {"S3_ACCESS_KEY_ID": ""}).startswith("S3_ACCESS_KEY_ID: missing")
    assert complaint(PRODUCTION | bucket | {"S3_SECRET_ACCESS_KEY": ""}).startswith("S3_SECRET_ACCESS_KEY: missing")
    assert complaint(PRODUCTION | bucket | {"S3_ENDPOINT_URL": "s3.example"}).startswith("S3_ENDPOINT_URL: ")
    assert complaint(PRODUCTION | bucket | {"S3_REGION": "EU West"}).startswith("S3_REGION: ")


@pytest.mark.parametrize("name", ["PORT", "SANDBOX_PORT"])
def test_ports_of_the_demo(name: str) -> None:
    assert demo_port({"PORT": " "}) == 8000
    assert load({"SHOP_MODE": "demo", name: ""})["SHOP_URL"] == "http://127.0.0.1:8000"
    for value in ("x", "0", "65536", "-1"):
        assert complaint({"SHOP_MODE": "demo", name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "CODE_KEYS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "MAIL_URL", "DATABASE_URL"]
)
def test_a_complaint_repeats_no_secret(name: str) -> None:
    assert "hunter2" not in complaint({**PRODUCTION, name: "x://hunter2 "})


@pytest.mark.parametrize("name", OF_A_DEMO)
def test_production_refuses_what_belongs_to_a_demo(name: str) -> None:
    assert complaint({**PRODUCTION, name: OF_A_DEMO[name]}).startswith(f"{name}: production refuses")


def test_equal_ways_to_write_an_address() -> None:
    for url in ("https://Shop.Example", "https://shop.example:443"):
        assert load({**PRODUCTION, "SHOP_URL": url})["SHOP_URL"] == "https://shop.example"
    for url in ("postgresql://shop@db/shop", "postgres://shop@db/shop", "postgresql+psycopg://shop@db/shop"):
        assert load({**PRODUCTION, "DATABASE_URL": url})["DATABASE_URL"] == "postgresql+psycopg://shop@db/shop"


def test_the_start_stops_with_one_line() -> None:
    environ = {**os.environ, **PRODUCTION, "SHOP_MODE": "production", "RENTAL_PLAY_HOURS": "many"}
    run = subprocess.run([sys.executable, "-c", "import wsgi"], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stderr.strip().splitlines() == ["RENTAL_PLAY_HOURS: 'many' is not a whole number from 1 to 8760"]


def test_the_clock_can_be_moved_for_a_check(tmp_path: Path) -> None:
    moved = create_app(load({"SHOP_MODE": "test", "INSTANCE_PATH": str(tmp_path), "SHOP_CLOCK_OFFSET_S": "86400"}))
    unmoved = create_app(load({"SHOP_MODE": "test", "INSTANCE_PATH": str(tmp_path)}))
    with unmoved.app_context():
        today = clock.now()
    with moved.app_context():
        assert timedelta(days=1) <= clock.now() - today < timedelta(days=1, minutes=1)


def production(tmp_path: Path, database_url: str) -> Flask:
    return create_app(load({**PRODUCTION, "INSTANCE_PATH": str(tmp_path), "DATABASE_URL": database_url}))


@both_engines
def test_production_refuses_a_database_with_demo_accounts(app: Flask, tmp_path: Path, database_url: str) -> None:
    production(tmp_path, database_url)
    with app.app_context():
        _seed_account(SPECTATRICE)
    with pytest.raises(SettingError, match=r"^DATABASE_URL: production refuses") as refusal:
        production(tmp_path, database_url)
    assert "\n" not in str(refusal.value)


def test_nobody_keeps_production_shut_by_signing_up_with_such_an_address(
    shop: Shop, tmp_path: Path, database_url: str
) -> None:
    shop.customer(SPECTATRICE.email, credit=2100)
    production(tmp_path, database_url)


def test_production_starts_before_its_tables_and_without_its_database(tmp_path: Path) -> None:
    production(tmp_path, f"sqlite:///{tmp_path / 'empty.sqlite'}")
    production(tmp_path, f"sqlite:///{tmp_path / 'no-such-folder' / 'shop.sqlite'}")
    production(tmp_path, "postgresql://shop@127.0.0.1:1/shop")
