"""What protects an account costs its guesser enough, and what was sealed for one purpose serves no other."""

import pytest
from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from flask import Flask
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms import ValidationError

from config import load
from store import clock, create_app
from store.checkout import draft
from store.customers import sessions
from store.customers.passwords import hash_password, password_matches
from store.db import transaction
from store.prepaid_cards import claim
from tests.shop import Shop, csrf_of

SESSIONS = 50


def test_passwords_are_hashed_as_rfc_9106_says(tmp_path) -> None:
    """Tests take less: this is a shop as everybody else runs it."""
    with create_app(load({"SHOP_MODE": "demo", "INSTANCE_PATH": str(tmp_path)})).app_context():
        stored = hash_password("un-bon-mot-de-passe")
        assert extract_parameters(stored) == RFC_9106_LOW_MEMORY
        assert hash_password("un-bon-mot-de-passe") != stored, "no salt"
        assert password_matches("un-bon-mot-de-passe", stored) and not password_matches("Un-bon-mot-de-passe", stored)


def test_sessions_have_ids_of_256_bits(app: Flask, shop: Shop) -> None:
    person = shop.customer()
    with app.app_context(), transaction() as session:
        ids = [sessions.begin(session, person.id, "Firefox", clock.now()) for _ in range(SESSIONS)]
    assert {len(session_id) for session_id in ids} == {43}  # 256 bits as base64
    beginnings = {session_id[:8] for session_id in ids}
    assert len(beginnings) == SESSIONS, "ids begin alike: they are not random all over"


def test_what_was_sealed_for_one_thing_opens_no_other(app: Flask, shop: Shop) -> None:
    """Even where all secrets are one, as in the demo."""
    secret = app.config["SECRET_KEY"]
    keys = [(1, secret)]
    client = shop.signed_in(shop.customer())
    sealed = {
        "draft": draft.seal(secret, {"email": ["jeanne@example.org"]}),
        "claim": claim.seal(keys, 1, 0),
        "session": client.get_cookie("session").value,
        "form token": csrf_of(client, "/compte"),
    }
    for purpose, value in sealed.items():
        stranger = app.test_client()
        stranger.set_cookie("session", value)
        assert (stranger.get("/compte").status_code == 200) == (purpose == "session"), purpose
        assert (draft.unseal(secret, value) is not None) == (purpose == "draft"), purpose
        assert (claim.unseal(keys, value) is not None) == (purpose == "claim"), purpose
        if purpose != "form token":
            with app.test_request_context():
                generate_csrf()
                with pytest.raises(ValidationError):
                    validate_csrf(value)
