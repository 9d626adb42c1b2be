"""Path tokens: good for one lease, one film, one version of it, and 120 seconds."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from store.playback.tokens import (
    LIFETIME,
    SESSION_LIFETIME,
    Expired,
    Invalid,
    Token,
    check_token,
    edge_secret,
    make_token,
)

KEYS = [(2, "the-second-key-of-at-least-32-characters"), (1, "the-first-key-of-at-least-32-characters!")]
FILM, RECIPE, LEASE = "la-sociale", "0123456789abcdef", "lease_-1"
NOW = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)


def token(**changed: object) -> str:
    made = {"keys": KEYS, "lease_id": LEASE, "film": FILM, "recipe": RECIPE, "at": NOW} | changed
    return make_token(**made)  # type: ignore[arg-type]  # `made` is what it takes


def test_a_token_is_good_until_its_last_second() -> None:
    valid = check_token(KEYS, token(), FILM, RECIPE, NOW + LIFETIME - timedelta(seconds=1))
    assert (valid.lease_id, valid.expires_at) == (LEASE, NOW + LIFETIME)
    with pytest.raises(Expired):
        check_token(KEYS, token(), FILM, RECIPE, NOW + LIFETIME)


@pytest.mark.parametrize(("film", "recipe"), [("les-jours-heureux", RECIPE), (FILM, "fedcba9876543210")])
def test_a_token_opens_no_other_film_and_no_other_version(film: str, recipe: str) -> None:
    with pytest.raises(Invalid):
        check_token(KEYS, token(), film, recipe, NOW)


def test_no_part_of_a_token_can_be_changed() -> None:
    good = token()
    for position, sign in enumerate(good):
        tampered = good[:position] + ("1" if sign != "1" else "2") + good[position + 1 :]
        # The last sign of 22 in base64 carries four bits that no byte needs; we compare signs, not bytes.
        with pytest.raises(Invalid):
            check_token(KEYS, tampered, FILM, RECIPE, NOW)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "libre",
        "..",
        "1.2.3",
        "é" * 60,
        f"9999999999.{LEASE}.2-{'A' * 22}",
        f"9999999999.{LEASE}.{'A' * 43}",
        token().replace(".2-", ".1-"),
        token().replace(".2-", ".02-"),
        token().replace(".2-", ".2s-"),
        token().replace(".2-", ".٢-"),
        token() + "=",
        token() + "\n",
        " " + token(),
    ],
)
def test_what_is_no_token_is_invalid(foreign: str) -> None:
    with pytest.raises(Invalid):
        check_token(KEYS, foreign, FILM, RECIPE, NOW)


def test_a_forged_token_that_is_over_is_forged_first() -> None:
    over, lease, signature = token(at=NOW - timedelta(days=1)).split(".")
    with pytest.raises(Invalid):
        check_token(KEYS, f"{over}.{lease}x.{signature}", FILM, RECIPE, NOW)


def test_parts_cannot_move_into_one_another() -> None:
    expires, lease, signature = token(lease_id="ab").split(".")
    with pytest.raises(Invalid):
        check_token(KEYS, f"{expires}a.b.{signature}", FILM, RECIPE, NOW)
    with pytest.raises(Invalid):
        check_token(KEYS, f"{expires}.{lease}{FILM[0]}.{signature}", FILM[1:], RECIPE, NOW)


def test_keys_are_replaced_while_films_play() -> None:
    by_the_old_key = token(keys=KEYS[1:])
    assert check_token(KEYS, by_the_old_key, FILM, RECIPE, NOW).lease_id == LEASE
    with pytest.raises(Invalid):
        check_token(KEYS[:1], by_the_old_key, FILM, RECIPE, NOW)
    assert check_token(KEYS[:1], token(), FILM, RECIPE, NOW).lease_id == LEASE


def test_only_a_token_for_the_whole_session_has_its_lease_looked_up() -> None:
    for_session = token(lifetime=SESSION_LIFETIME)
    assert check_token(KEYS, for_session, FILM, RECIPE, NOW) == Token(LEASE, NOW + SESSION_LIFETIME, True)
    assert check_token(KEYS, for_session, FILM, RECIPE, NOW + SESSION_LIFETIME - LIFETIME).is_for_session
    assert not check_token(KEYS, token(), FILM, RECIPE, NOW).is_for_session
    with pytest.raises(Invalid):
        check_token(KEYS, for_session.replace("s-", "-"), FILM, RECIPE, NOW)


def test_nginx_is_given_neither_the_key_nor_signs_that_it_would_read_otherwise() -> None:
    secret = edge_secret('a key with "quotes", $dollars and {braces}')
    assert re.fullmatch(r"[0-9a-f]{64}", secret)
    assert secret != edge_secret(KEYS[0][1])
