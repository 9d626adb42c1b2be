"""Entering a code on a page: what it gives, what it says when it gives nothing, and how often one may guess."""

import re
from functools import partial

import pytest
import structlog
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from store.audit.models import Alert
from store.db import db, transaction
from store.prepaid_cards import claim
from store.prepaid_cards.codes import code_of, written
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.reissue import reissue
from store.web.limits import limiter
from tests.conftest import both_engines
from tests.prepaid_cards.counter import WISH, Counter
from tests.shop import PASSWORD, Person, Shop, csrf_of
from tests.timing import are_alike

USE, LEFT = "/cartes/activer", "/cartes/solde"

pytestmark = both_engines


@pytest.fixture
def buyer(shop: Shop) -> Person:
    return shop.customer("acheteuse@example.org")


@pytest.fixture
def person(shop: Shop) -> Person:
    return shop.customer("jeanne@example.org")


def enter(client: FlaskClient, code: str, page: str = USE) -> TestResponse:
    return client.post(page, data={"code": code, "csrf_token": csrf_of(client, page)})


def unknown(counter: Counter, number: int = 0) -> str:
    """A well-formed code that no card has."""
    return written(code_of(counter.keys, 1, 10**9 + number, 0))


def mistyped(code: str, position: int = 7) -> str:
    return code[:position] + ("A" if code[position] != "A" else "B") + code[position + 1 :]


def from_address(client: FlaskClient, address: str) -> FlaskClient:
    client.environ_base["REMOTE_ADDR"] = address
    return client


def page_of(answer: TestResponse) -> str:
    """What the page says, without the token and the code that was typed."""
    return re.sub(r'(name="csrf_token"|id="code")[^>]*>', "", answer.text)


def test_a_code_gives_its_credit_and_says_until_when(
    counter: Counter, shop: Shop, buyer: Person, person: Person
) -> None:
    with time_machine.travel("2026-11-24T10:00:00Z"):
        client, code = shop.signed_in(person), counter.card(buyer)
        answer = enter(client, f" {code.lower().replace('-', ' ')} ")
        assert answer.status_code == 303
        page, reloaded = client.get(answer.location), client.get(answer.location)
    assert page.status_code == 200
    assert 'data-redeemed-cents="2100"' in page.text
    said = " ".join(re.sub("<[^>]+>", " ", page.text).split())
    assert "21,00 € de crédit ajoutés. Vous avez maintenant 21,00 €." in said.replace("\u00a0", " ")
    assert "1,00 € vous sont offerts et valent jusqu’au 24 nov. 2027" in said.replace("\u00a0", " ")
    assert 'href="/films"' in page.text and code[-4:] in page.text
    assert shop.credit_of(person) == 2100
    assert reloaded.text == page.text


def test_the_receipt_is_nobody_elses(counter: Counter, shop: Shop, buyer: Person, person: Person) -> None:
    receipt = enter(shop.signed_in(person), counter.card(buyer)).location
    other = shop.signed_in(buyer)
    for odd in (receipt, *(f"{USE}?carte={odd}" for odd in ("", "0", "x", "-1", "9" * 30, "%00", "²"))):
        assert other.get(odd).status_code == 404
    assert counter.app.test_client().get(receipt).location == f"/connexion?next={receipt.replace('=', '%3D')}"


def test_at_par_nothing_is_said_of_a_bonus(counter: Counter, shop: Shop, buyer: Person, person: Person) -> None:
    client = shop.signed_in(person)
    page = client.get(enter(client, counter.card(buyer, 1000, 1000)).location).text
    assert "offerts" not in page and "Il n’a pas de date de fin." in page


def test_one_answer_for_unknown_used_replaced_and_unsold(
    app: Flask, counter: Counter, shop: Shop, buyer: Person, person: Person
) -> None:
    client = shop.signed_in(person)
    codes = failing_codes(counter, buyer)
    for page in (USE, LEFT):
        for browser in (client, app.test_client()):
            skipped = {"used"} if page == LEFT else set()
            answers = {kind: enter(browser, code, page) for kind, code in codes.items() if kind not in skipped}
            assert {answer.status_code for answer in answers.values()} == {422}
            assert len({page_of(answer) for answer in answers.values()}) == 1
            assert "Ce code ne donne rien" in answers["unknown"].text
            limiter.reset()
    assert shop.credit_of(person) == 0


def failing_codes(counter: Counter, buyer: Person) -> dict[str, str]:
    used, replaced = counter.card(buyer, 1000, 1000), counter.card(buyer)
    counter.redeem(used, buyer)
    with counter.app.app_context(), transaction() as session:
        reissue(session, counter.find(replaced).id, keys=counter.keys)
    return {
        "unknown": unknown(counter),
        "used": used,
        "replaced": replaced,
        "unsold": counter.card(buyer, sold=False),
    }


def test_all_failures_take_like_time(
    counter: Counter, shop: Shop, buyer: Person, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", False)
    client, codes = shop.signed_in(person), failing_codes(counter, buyer)
    token = csrf_of(client, USE)

    def fail(page: str, kind: str) -> None:
        assert client.post(page, data={"code": codes[kind], "csrf_token": token}).status_code == 422

    for page, kinds in ((USE, list(codes)), (LEFT, ["unknown", "replaced", "unsold"])):
        assert are_alike({kind: partial(fail, page, kind) for kind in kinds}), page


def test_a_mistyped_code_names_its_group_costs_no_query_and_does_not_count(
    counter: Counter, shop: Shop, buyer: Person, person: Person, query_count
) -> None:
    client, code = shop.signed_in(person), counter.card(buyer)
    for page in (USE, LEFT):
        token = csrf_of(client, page)
        with query_count() as only_who_asks:
            client.get(page)
        for _ in range(12):
            with query_count() as queries:
                answer = client.post(page, data={"code": mistyped(code), "csrf_token": token})
            assert (answer.status_code, queries) == (422, only_who_asks)
            assert "Le groupe 2 est mal recopié" in answer.text
            assert f'value="{mistyped(code)}"' in answer.text and 'aria-invalid="true"' in answer.text
    assert enter(client, code).status_code == 303


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Écrivez le code"),
        ("ABCDE-FGHJK", "celui-ci en a 10"),
        ("ABCDE-FGHJ-KMNPQ-RSTVW", "Le groupe 2 est mal recopié"),
        ("00000-00000-00000-00011", "Un des quatre groupes|L’un des quatre groupes|Le groupe 4"),
        ("x" * 501, "Ceci n’est pas un code"),
        ("<script>alert(1)</script>", "celui-ci en a"),
    ],
)
def test_odd_codes_are_told_what_is_wrong_with_them(client: FlaskClient, typed: str, said: str) -> None:
    for page in (USE, LEFT):
        answer = enter(client, typed, page)
        assert answer.status_code == 422
        assert re.search(said, answer.text)
        assert "<script>alert" not in answer.text


def test_what_is_left_is_told_to_whoever_has_the_code(
    app: Flask, counter: Counter, buyer: Person, person: Person
) -> None:
    code = counter.card(buyer)
    whole = enter(app.test_client(), code, LEFT)
    assert (whole.status_code, 'data-card-left-cents="2100"' in whole.text) == (200, True)
    assert f'name="code" value="{code}"' in whole.text
    counter.redeem(code, person)
    used = enter(app.test_client(), code, LEFT)
    assert (used.status_code, 'data-card-left-cents="0"' in used.text) == (200, True)
    assert code not in used.text


def test_looking_at_what_is_left_takes_nothing_and_goes_on_to_using_it(
    counter: Counter, shop: Shop, buyer: Person, person: Person
) -> None:
    client, code = shop.signed_in(person), counter.card(buyer)
    for _ in range(3):
        shown = enter(client, code, LEFT)
    fields = dict(re.findall(r'name="(code|csrf_token)" value="([^"]+)"', shown.text))
    assert client.post(USE, data=fields).status_code == 303
    assert shop.credit_of(person) == 2100


def test_the_code_stays_good_when_there_is_no_room(counter: Counter, shop: Shop, buyer: Person) -> None:
    rich, code = shop.customer(credit=24000), counter.card(buyer)
    answer = enter(shop.signed_in(rich), code)
    assert answer.status_code == 422
    said = answer.text.replace("\u00a0", " ")
    assert "ne peut dépasser 250,00 € en tout" in said and "de la place pour 10,00 €" in said
    assert f'value="{code}"' in answer.text
    assert enter(shop.signed_in(buyer), code).status_code == 303


def sign_in(client: FlaskClient, address: str, email: str) -> TestResponse:
    token = csrf_of(client, address)
    fields = {"email": email, "password": PASSWORD, "next": USE, "csrf_token": token}
    return client.post("/connexion", data=fields)


def test_the_code_survives_signing_in_and_is_written_nowhere(
    app: Flask, counter: Counter, shop: Shop, buyer: Person, person: Person
) -> None:
    client, code = app.test_client(), counter.card(buyer)
    away = enter(client, code)
    assert (away.status_code, away.location) == (303, "/connexion?next=/cartes/activer")
    cookie = client.get_cookie("card", path=USE)
    assert cookie and cookie.http_only and cookie.same_site == "Lax" and cookie.max_age == 5400
    for plain in (code, code.replace("-", ""), code[:5]):
        assert plain not in away.text + str(away.headers)
    back = sign_in(client, away.location, person.email)
    assert (back.status_code, back.location) == (303, USE)
    filled = client.get(USE)
    assert f'value="{code}"' in filled.text and filled.headers["Cache-Control"] == "no-store"
    assert enter(client, code).status_code == 303
    assert shop.credit_of(person) == 2100
    assert client.get_cookie("card", path=USE) is None
    assert code not in client.get(USE).text


def test_a_claim_ends_with_time_use_and_reissue(
    app: Flask, counter: Counter, shop: Shop, buyer: Person, person: Person
) -> None:
    with time_machine.travel("2026-11-24T10:00:00Z") as moment:
        client, code = app.test_client(), counter.card(buyer)
        enter(client, code)
        cookie = client.get_cookie("card", path=USE).value
        browser = shop.signed_in(person)
        browser.set_cookie("card", cookie, path=USE)
        assert code in browser.get(USE).text
        with app.app_context(), transaction() as session:
            card = reissue(session, counter.find(code).id, keys=counter.keys)
        assert not re.search(r'id="code"[^>]* value="[^"]', browser.get(USE).text)
        code = counter.code_on(card)
        browser.set_cookie("card", claim.seal(counter.keys, card.id, card.reissue), path=USE)
        assert code in browser.get(USE).text
        moment.shift(5401)
        assert code not in browser.get(USE).text
        browser.set_cookie("card", claim.seal(counter.keys, card.id, card.reissue), path=USE)
        counter.redeem(code, person)
        assert code not in browser.get(USE).text


def test_a_forged_claim_claims_nothing(counter: Counter, shop: Shop, buyer: Person, person: Person) -> None:
    code, browser = counter.card(buyer), shop.signed_in(person)
    card_id = counter.find(code).id
    genuine = claim.seal(counter.keys, card_id, 0)
    for forged in (claim.seal([(1, "x" * 40)], card_id, 0), genuine[:-1] + "!", "", "a.b.c", "\u00e9", "1" * 3000):
        browser.set_cookie("card", forged, path=USE)
        assert code not in browser.get(USE).text
    rotated = [(2, "n" * 40), *counter.keys]
    assert claim.unseal(rotated, genuine) == (card_id, 0)
    assert claim.unseal(counter.keys, claim.seal(rotated, card_id, 0)) is None


def test_a_stranger_with_a_wrong_code_is_told_before_signing_in(app: Flask, counter: Counter, buyer: Person) -> None:
    for code in failing_codes(counter, buyer).values():
        answer = enter(app.test_client(), code)
        assert (answer.status_code, "Set-Cookie" in answer.headers and "card=" in answer.headers["Set-Cookie"]) == (
            422,
            False,
        )


def test_ten_failures_close_an_address_for_five_minutes(
    app: Flask, counter: Counter, shop: Shop, buyer: Person, person: Person
) -> None:
    with time_machine.travel("2026-11-24T10:00:00Z") as moment:
        code = counter.card(buyer)
        tries = [enter(app.test_client(), unknown(counter, number), (USE, LEFT)[number % 2]) for number in range(10)]
        assert {answer.status_code for answer in tries} == {422}
        for page in (USE, LEFT):
            refused = enter(app.test_client(), code, page)
            assert refused.status_code == 429
            assert 0 < int(refused.headers["Retry-After"]) <= 300
        elsewhere = from_address(app.test_client(), "192.0.2.7")
        assert enter(elsewhere, code, LEFT).status_code == 200
        moment.shift(301)
        assert enter(app.test_client(), code, LEFT).status_code == 200


def test_ten_failures_close_an_account_wherever_it_is(
    app: Flask, counter: Counter, shop: Shop, buyer: Person, person: Person
) -> None:
    with time_machine.travel("2026-11-24T10:00:00Z") as moment:
        code, client = counter.card(buyer), shop.signed_in(person)
        for number in range(10):
            page = (USE, LEFT)[number % 2]
            assert enter(from_address(client, f"192.0.2.{number}"), unknown(counter, number), page).status_code == 422
        for page in (USE, LEFT):
            assert enter(from_address(client, "192.0.2.99"), code, page).status_code == 429
        assert shop.credit_of(person) == 0
        moment.shift(301)
        assert enter(from_address(client, "192.0.2.99"), code).status_code == 303


def test_many_accounts_do_not_open_an_address(counter: Counter, shop: Shop, buyer: Person) -> None:
    accounts = [shop.signed_in(shop.customer(f"{number}@example.org")) for number in range(6)]
    for number in range(10):
        page = (USE, LEFT)[number % 2]
        assert enter(accounts[number % 5], unknown(counter, number), page).status_code == 422
    code = counter.card(buyer)
    for page in (USE, LEFT):
        assert enter(accounts[5], code, page).status_code == 429
    assert enter(from_address(accounts[5], "192.0.2.7"), code).status_code == 303


def test_thirty_failures_a_day(app: Flask, counter: Counter, shop: Shop, buyer: Person, person: Person) -> None:
    with time_machine.travel("2026-11-24T10:00:00Z") as moment:
        code, client = counter.card(buyer), shop.signed_in(person)
        for number in range(30):
            if number % 10 == 0:
                moment.shift(301)
            assert enter(from_address(client, f"192.0.2.{number}"), unknown(counter, number)).status_code == 422
        moment.shift(301)
        assert enter(from_address(client, "192.0.2.99"), code).status_code == 429
        moment.shift(24 * 3600)
        assert enter(from_address(shop.signed_in(person), "192.0.2.99"), code).status_code == 303


def test_right_codes_are_not_counted(app: Flask, counter: Counter, shop: Shop, buyer: Person, person: Person) -> None:
    client, code = shop.signed_in(person), counter.card(buyer)
    assert {enter(client, code, LEFT).status_code for _ in range(12)} == {200}
    assert {enter(client, counter.card(buyer, 500, 500)).status_code for _ in range(12)} == {303}


def test_many_failures_of_many_people_raise_one_alarm_an_hour(app: Flask, counter: Counter) -> None:
    with time_machine.travel("2026-11-24T10:00:00Z") as moment, structlog.testing.capture_logs() as lines:
        client = app.test_client()

        def guess(count: int) -> int:
            token = csrf_of(client, LEFT)
            for number in range(count):
                from_address(client, f"192.0.{number // 200}.{number % 200}")
                client.post(LEFT, data={"code": unknown(counter, number), "csrf_token": token})
            return sum(line["log_level"] == "error" for line in lines)

        assert (guess(200), guess(1), guess(20)) == (0, 1, 1)
        moment.shift(3601)
        assert (guess(200), guess(1)) == (1, 2)
    with app.app_context():
        alerts = db.session.execute(select(Alert.kind, Alert.key, Alert.facts).order_by(Alert.id)).all()
    assert alerts == [("card_guessing", f"card_guessing:2026-11-24T{hour}", {"failures": 200}) for hour in ("10", "11")]


def test_a_gift_is_opened_when_its_code_is_entered(app: Flask, counter: Counter, shop: Shop, buyer: Person) -> None:
    rich = shop.customer(credit=24000)
    ways = (
        lambda code: enter(app.test_client(), code, LEFT),
        lambda code: enter(app.test_client(), code),
        lambda code: enter(shop.signed_in(rich), code),
    )
    for way in ways:
        code = counter.card(buyer, gift=WISH)
        opened = select(Gift.opened_at).join(PrepaidCard, PrepaidCard.id == Gift.card_id)
        with app.app_context():
            assert db.session.scalars(opened.where(PrepaidCard.last4 == code[-4:])).one() is None
        way(code)
        with app.app_context():
            assert db.session.scalars(opened.where(PrepaidCard.last4 == code[-4:])).one() is not None


def test_the_code_is_never_in_the_path_or_query(counter: Counter, shop: Shop, buyer: Person, person: Person) -> None:
    client, code = shop.signed_in(person), counter.card(buyer)
    for address in (f"{USE}?code={code}", f"{LEFT}?code={code}"):
        page = re.sub(r'<a [^>]*hreflang="en"[^>]*>', "", client.get(address).text)  # the same address in English
        assert code not in page
    token = csrf_of(client, USE)
    assert client.post(f"{USE}?code={code}", data={"csrf_token": token}).status_code == 422
    assert shop.credit_of(person) == 0


def test_both_pages_ask_for_the_token(counter: Counter, shop: Shop, buyer: Person, person: Person) -> None:
    client, code = shop.signed_in(person), counter.card(buyer)
    for page in (USE, LEFT):
        assert client.post(page, data={"code": code}).status_code == 400
    assert shop.credit_of(person) == 0
