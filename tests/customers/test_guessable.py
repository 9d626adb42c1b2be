"""Passwords that are tried first are refused, wherever one is chosen."""

from time import process_time

import pytest
from flask import Flask
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from store.customers.guessable import READ, is_guessable
from store.customers.passwords import LONGEST, SHORTEST
from tests.customers.test_sign_up import sign_up
from tests.shop import PASSWORD, Shop, csrf_of

USUAL = ["1234567890", "azertyuiop", "Password1234", "qwertyuiop", "aaaaaaaaaaaaaaa", "abcdefghij", "hunter2hunter2"]
GOOD = [PASSWORD, "demo-demo-demo", "correct horse battery staple", "le temps des cerises", "xK9#pQ2vL!"]


def test_the_three_thousand_first_are_refused() -> None:
    """ASVS 6.2.4. Of the usual passwords those that are long enough, then such as people make of the shorter ones; each tenth."""
    listed = FREQUENCY_LISTS["passwords"]
    long_enough = [password for password in listed if len(password) >= SHORTEST]
    made = [password * 2 for password in listed if 2 * len(password) >= SHORTEST]
    first = [*long_enough, *made][:3000]
    assert len(first) == 3000
    assert [password for password in first[::10] if not is_guessable(password, [])] == []


@pytest.mark.parametrize("password", USUAL)
def test_usual_ones_are_refused(password: str) -> None:
    assert is_guessable(password, [])


@pytest.mark.parametrize("password", GOOD)
def test_good_ones_are_taken(password: str) -> None:
    assert not is_guessable(password, ["jeanne@example.org", "Jeanne"])


def test_what_is_known_of_somebody_is_tried_first() -> None:
    assert is_guessable("jeanne-michu@example.org", ["jeanne-michu@example.org"])
    assert is_guessable("Jeannette Michu", ["Jeannette Michu"])


@pytest.mark.parametrize("piece", ["a", "1", "4@8({[<3", "aA", "azerty", "é", "2026"])
def test_no_password_takes_long(piece: str) -> None:
    began = process_time()
    is_guessable((piece * LONGEST)[:LONGEST], ["x" * 254])
    assert process_time() - began < 1, READ


def test_it_is_said_where_a_password_is_chosen(app: Flask, shop: Shop) -> None:
    client = app.test_client()
    refused = sign_up(client, password="azertyuiop")
    assert refused.status_code == 422 and 'id="password-error"' in refused.text
    assert "parmi les premiers" in refused.text
    assert sign_up(client, password=PASSWORD).status_code == 303
    page = "/compte/securite"
    fields = {"present": PASSWORD, "new_password": "azertyuiop", "csrf_token": csrf_of(client, page)}
    changed = client.post(f"{page}/mot-de-passe", data=fields)
    assert changed.status_code == 422 and "parmi les premiers" in changed.text
