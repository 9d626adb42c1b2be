"""What an alert says: each kind its own words, and whatever facts it was given, something readable."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from store.audit.kinds import LABELS, UNKNOWN, WORDS, facts_of, words_of
from store.web.filters import written

N = "\u00a0"


@pytest.fixture(autouse=True)
def french_page(app: Flask):
    with app.test_request_context("/"):
        yield


def read(facts: dict) -> list[tuple[str, str]]:
    return [(fact.label, written(fact)) for fact in facts_of(facts)]


def test_every_kind_says_what_happened_what_was_not_lost_and_what_to_do() -> None:
    said = [
        str(sentence)
        for words in [*WORDS.values(), UNKNOWN]
        for sentence in (words.title, words.happened, words.kept, words.next_step)
    ]
    assert len(set(said)) == len(said) == 4 * 13
    assert not any("%(" in sentence for sentence in said)
    assert words_of("no such kind") is UNKNOWN


def test_facts_are_written_as_the_pages_write() -> None:
    dispute = {"dispute": "du_1", "order": "o_4", "amount": 2000, "held": 1450, "respond_by": "2031-11-18T11:00:00Z"}
    assert read(dispute) == [
        ("Contestation", "du_1"),
        ("Commande", "o_4"),
        ("Montant", f"20,00{N}€"),
        ("Retenu", f"14,50{N}€"),
        ("Répondre avant", f"18{N}nov.{N}2031{N}à{N}12:00"),
    ]
    stripes_way = int(datetime(2031, 11, 18, 11, tzinfo=UTC).timestamp())
    assert read({"respond_by": stripes_way}) == read({"respond_by": dispute["respond_by"]})
    without_zone = "2031-11-18T11:00:00"
    assert read({"respond_by": without_zone}) == [("Répondre avant", without_zone)]
    assert read({"count": 2, "first": ["one", "two"]}) == [("Écarts", "2"), ("Les premiers", "one\ntwo")]


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("usd", f"19,99{N}$US"), ("EUR", f"19,99{N}€"), ("jpy", f"1{chr(0x202F)}999{N}JPY"), ("xyz", f"19,99{N}XYZ")],
)
def test_an_amount_is_in_its_own_currency(currency: str, amount: str) -> None:
    facts = {"amount": 1999, "currency": currency, "expected": 2000}
    assert read(facts) == [("Montant", amount), ("Devise", currency), ("Montant attendu", f"20,00{N}€")]


@pytest.mark.parametrize("name", [*LABELS, "unheard_of"])
@pytest.mark.parametrize(
    "value",
    ["", "x", -5, 0, 10**40, 2.5, True, [], [1, "<b>"], {"a": [1]}, "9999-12-31T23:59:59Z", "2026-11-18T11:00:00"],
    ids=str,
)
def test_no_fact_is_too_odd(name: str, value: object) -> None:
    [(label, text)] = read({name: value})
    assert label and isinstance(text, str)


def test_an_odd_currency_spoils_no_amount() -> None:
    for currency in ("", "€", "euro", 5, ["eur"], None):
        assert read({"amount": 1999, "currency": currency})[0] == ("Montant", f"19,99{N}€")


def test_a_fact_that_is_missing_is_left_out() -> None:
    assert read({"order": None, "amount": 350}) == [("Montant", f"3,50{N}€")]
    assert read({}) == []
