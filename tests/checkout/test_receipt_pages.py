"""My receipts: the list, a receipt on the page and on paper, where the money of a film goes."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from store import clock
from store.checkout.own import papers_of, read_cursor
from store.checkout.print_receipt import print_receipt
from store.checkout.receipts import find
from store.checkout.shares import Rates, divide
from store.db import db, transaction
from store.prepaid_cards.models import PrepaidCard
from store.rentals.undo import undo
from tests.checkout import sales
from tests.checkout.test_giving_a_card import buy
from tests.conftest import both_engines
from tests.prepaid_cards.counter import Counter
from tests.prepaid_cards.paper import Paper
from tests.shop import Person, Shop

RATES = Rates(Decimal("5.15"), Decimal(50))
SUM = r"[−+]?\s?\d+,\d\d €"


def words(page: str) -> str:
    """What one reads in the middle of a page, every space an ordinary one."""
    main = page.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return " ".join(re.sub("<[^>]+>", " ", main).replace("&#39;", "’").split())


def sums_of(table: str) -> list[str]:
    """The sums in a table, in its order."""
    cells = re.findall(r'<td class="sum">(?:<s>)?([^<]+)<', table)
    return [" ".join(cell.split()) for cell in cells]


@pytest.fixture
def person(shop: Shop) -> Person:
    shop.film()
    return shop.customer()


@pytest.fixture
def stranger(shop: Shop) -> FlaskClient:
    return shop.signed_in(shop.customer("paul@example.org"))


@both_engines
def test_the_list_holds_every_paper_youngest_first(app: Flask, shop: Shop, person: Person) -> None:
    browser = shop.signed_in(person)
    assert "Pas encore de reçu" in words(browser.get("/compte/recus").text)
    sales.sell(app, person, 1000, 1000, has_receipt=False)
    number = sales.sell(app, person)
    entitlement_id = sales.spend(app, person)
    note = sales.refund(app, person, 2, 500)
    page = browser.get("/compte/recus").text
    assert re.findall(r'href="/compte/recus/([^"]+)"', page) == [note, f"films/{entitlement_id}", number]
    text = words(page)
    for said in (
        f"reçu {number}",
        note,
        "− 5,00 €",
        "20,00 €",
        "pièce J-3",
        "3,50 €",
        "commande n° 1, confirmée sans reçu",
    ):
        assert said in text, said
    assert text.count("confirmée sans reçu") == 1
    assert text.index("Location de La Sociale") < text.index(f"reçu {number}") < text.index("commande n° 1")
    assert 'href="/compte/recus"' in browser.get("/compte").text


@both_engines
def test_the_cursor_walks_through_every_paper_once(app: Flask, shop: Shop, person: Person) -> None:
    """Also through those of one instant, as when a card is bought to rent a film."""
    with app.app_context():
        at = clock.now()
    for _ in range(3):
        sales.sell(app, person, 1000, 1000, at=at)
        sales.sell(app, person, 1000, 1000, at=at, has_receipt=False)
    sales.spend(app, person, at=at)
    sales.spend(app, person, act="buy", at=at)
    sales.sell(app, person, 1000, 1000, at=at - timedelta(days=400))
    with app.app_context():
        whole = [paper.cursor for paper in papers_of(db.session, person.id)]
        assert len({*whole}) == len(whole) == 9
        walked, after = [], None
        while page := papers_of(db.session, person.id, after, limit=2):
            walked += [paper.cursor for paper in page]
            after = read_cursor(str(walked[-1]))
            assert after == walked[-1]
        assert walked == whole


def test_the_page_leads_on(app: Flask, shop: Shop, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.checkout.views.receipts.LINES", 2)
    for _ in range(5):
        sales.sell(app, person, 1000, 1000)
    browser, address, seen = shop.signed_in(person), "/compte/recus", []
    while address:
        page = browser.get(address).text
        seen += re.findall(r'href="/compte/recus/[0-9]{4}-00000([0-9])"', page)
        following = re.search(r'href="(/compte/recus\?[^"]+)" rel="next"', page)
        address = following and following[1]
    assert seen == list("54321")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "",
        "-1-film-1",
        "9" * 30,
        "99999999999999999-film-1",
        "1-film-",
        "1-order-0",
        "1-receipt-9" + "9" * 17,
        "%00",
    ],
)
def test_an_odd_cursor_is_answered(shop: Shop, person: Person, cursor: str) -> None:
    assert shop.signed_in(person).get(f"/compte/recus?apres={cursor}").status_code == 200


@both_engines
def test_a_receipt_says_it_all(app: Flask, shop: Shop, person: Person) -> None:
    number = sales.sell(app, person)
    browser = shop.signed_in(person)
    text = words(browser.get(f"/compte/recus/{number}").text)
    with app.app_context():
        card = db.session.query(PrepaidCard).one()
    for said in (
        *(f"Reçu {number}", "CinéMutins", app.config["SHOP_PUBLISHER"], "Jeanne", "jeanne@example.org", "n° 1"),
        *(f"N° {card.last4}, 21,00 € de crédit", "1 × 20,00 €", "Total payé 20,00 €", "par Stripe", "version 2026-11"),
        *(str(clock_year(app)), "Bon à usages multiples", "256 ter", "30 bis et 30 ter"),
    ):
        assert said in text, said
    assert "Hors TVA" not in text
    assert number in browser.get("/compte/credit").text


def clock_year(app: Flask) -> int:
    with app.app_context():
        return clock.today().year


@both_engines
def test_a_single_purpose_card_shows_its_vat(app: Flask, shop: Shop, person: Person) -> None:
    app.config["CARD_VAT_MODE"] = "single"
    number = sales.sell(app, person)
    text = words(shop.signed_in(person).get(f"/compte/recus/{number}").text)
    assert "Hors TVA 16,67 € TVA 20 % 3,33 € Total payé 20,00 €" in text
    assert "Bon à usage unique" in text


@both_engines
def test_receipt_and_credit_note_lead_to_each_other(app: Flask, shop: Shop, person: Person) -> None:
    number = sales.sell(app, person)
    note = sales.refund(app, person, 1, 500)
    browser = shop.signed_in(person)
    assert f'href="/compte/recus/{note}"' in browser.get(f"/compte/recus/{number}").text
    page = browser.get(f"/compte/recus/{note}").text
    assert f'href="/compte/recus/{number}"' in page
    for said in (f"Avoir {note}", "remboursée", "Total rendu 5,00 €", f"reçu {number} du"):
        assert said in words(page), said


@both_engines
def test_foreign_and_missing_papers_are_alike(app: Flask, shop: Shop, person: Person, stranger: FlaskClient) -> None:
    number = sales.sell(app, person)
    note = sales.refund(app, person, 1, 500)
    entitlement_id = sales.spend(app, person)
    missing = stranger.get("/compte/recus/2026-999999")
    assert missing.status_code == 404
    foreign = [number, f"{number}.pdf", note, f"{note}.pdf", f"films/{entitlement_id}"]
    odd = [
        "x",
        "x.pdf",
        ".pdf",
        "A-2026-000001x",
        "2026-1",
        "2026-0000001",
        "a-2026-000001",
        "9999-999999999999",
        "films/0",
        "films/x",
    ]
    for address in foreign + odd + [f"films/{2**63}", f"films/{'9' * 40}", f"{number[:5]}{'9' * 40}"]:
        answer = stranger.get(f"/compte/recus/{address}")
        assert (address, answer.status_code, words(answer.text)) == (address, 404, words(missing.text))
    assert number not in stranger.get("/compte/recus").text
    mine = shop.signed_in(person)
    assert [mine.get(f"/compte/recus/{address}").status_code for address in foreign] == [200] * 5
    assert mine.get(f"/compte/recus/{number.replace('-', '-0')}").status_code == 404


@both_engines
def test_a_film_shows_where_its_money_goes(app: Flask, shop: Shop, person: Person) -> None:
    """The bonus of 1.00 goes first: of the 2.50 that were paid 0.42 are VAT, and of 2.08 net 0.11 the film tax."""
    number = sales.sell(app, person)
    browser, entitlement_id = shop.signed_in(person), sales.spend(app, person)
    page = browser.get(f"/compte/recus/films/{entitlement_id}").text
    assert f"/compte/recus/films/{entitlement_id}" in browser.get("/compte/credit").text
    shares, sources, books = page.split("<table")[1:4]
    assert sums_of(shares) == ["0,99 €", "0,98 €", "0,42 €", "0,11 €", "1,00 €", "3,50 €"]
    assert sums_of(sources) == ["1,00 €", "2,50 €"]
    assert sums_of(books) == ["− 3,50 €"]
    assert sources.count(f'href="/compte/recus/{number}"') == 2
    assert "pièce J-2" in words(page)
    widths = re.findall(r'<rect class="share-[\w-]+" x="(\d+)" width="(\d+)"', page)
    assert [int(width) for _x, width in widths] == [99, 98, 42, 11, 100]
    assert [int(x) for x, _width in widths] == [0, 99, 197, 239, 250]


@both_engines
def test_the_rates_are_the_shops(app: Flask, shop: Shop, person: Person) -> None:
    app.config |= {"FILM_TAX_PERCENT": Decimal(10), "FILMMAKERS_PERCENT": Decimal("62.5")}
    sales.sell(app, person, 2000, 2000)
    page = shop.signed_in(person).get(f"/compte/recus/films/{sales.spend(app, person)}").text
    assert sums_of(page.split("<table")[1]) == ["1,64 €", "0,99 €", "0,58 €", "0,29 €", "3,50 €"]
    assert "62,5 %" in words(page) and "10 %" in words(page)


@both_engines
def test_an_undone_rental_says_so_and_shows_its_reversal(app: Flask, shop: Shop, person: Person) -> None:
    sales.sell(app, person)
    entitlement_id = sales.spend(app, person)
    with app.app_context(), transaction() as session:
        undo(session, person.id, person.wallet_id, "la-sociale", clock.now())
    browser = shop.signed_in(person)
    page = browser.get(f"/compte/recus/films/{entitlement_id}").text
    assert "Annulée : rien n’a été débité" in words(page) and "share-bar" not in page
    sources, books = page.split("<table")[1:3]
    assert sums_of(sources) == ["1,00 €", "2,50 €"]
    assert sums_of(books) == ["− 3,50 €", "+ 3,50 €"]
    assert "pièce J-2" in books and "pièce J-3" in books
    assert "pièce J-2, annulée" in words(browser.get("/compte/recus").text)


@both_engines
def test_a_receipt_shows_what_its_credit_paid_for(app: Flask, shop: Shop, person: Person) -> None:
    first, second = sales.sell(app, person, 1000, 1000), sales.sell(app, person, 2000, 2000)
    rental, purchase = sales.spend(app, person), sales.spend(app, person, act="buy")
    browser = shop.signed_in(person)

    def films_on(number: str) -> list[str]:
        return re.findall(r'href="/compte/recus/films/(\d+)"', browser.get(f"/compte/recus/{number}").text)

    assert films_on(first) == [str(purchase), str(rental)]  # the purchase took the last 6.50 of it
    assert films_on(second) == [str(purchase)]


@both_engines
def test_who_gives_a_card_does_not_see_what_it_is_spent_on(app: Flask, shop: Shop, person: Person) -> None:
    number = sales.sell(app, person, purpose="gift")
    eloise = shop.customer("eloise@example.org")
    counter = Counter(app)
    with app.app_context():
        code = counter.code_on(db.session.query(PrepaidCard).one())
    counter.redeem(code, eloise)
    entitlement_id = sales.spend(app, eloise)
    assert "/compte/recus/films/" not in shop.signed_in(person).get(f"/compte/recus/{number}").text
    page = shop.signed_in(eloise).get(f"/compte/recus/films/{entitlement_id}").text
    assert sums_of(page.split("<table")[2]) == ["1,00 €", "2,50 €"]
    assert number not in page


PERCENTAGES = st.sampled_from([Decimal(0), Decimal("5.15"), Decimal(50)]) | st.decimals(0, 100, places=2)


@given(
    paid=st.integers(0, 20_000),
    offered=st.integers(0, 20_000),
    vat_percent=st.integers(0, 30),
    rates=st.tuples(PERCENTAGES, PERCENTAGES),
)
def test_the_parts_sum_to_the_price(paid: int, offered: int, vat_percent: int, rates: tuple[Decimal, Decimal]) -> None:
    vat = paid * vat_percent // (100 + vat_percent)
    shares = divide(paid, offered, vat, Rates(*rates))
    assert shares.total == paid + offered
    assert min(shares.vat, shares.film_tax, shares.filmmakers, shares.cooperative) >= 0


def test_a_price_divides_as_the_law_and_the_shop_say() -> None:
    """3.50 hold 0.58 of VAT; 5.15 % of 2.92 are 0.15; half of 2.77 rounds up for who made the film."""
    shares = divide(350, 0, 58, RATES)
    assert (shares.vat, shares.film_tax, shares.filmmakers, shares.cooperative) == (58, 15, 139, 138)


@both_engines
def test_the_page_of_thanks_leads_to_the_receipt(app: Flask, shop: Shop, sandbox: str) -> None:
    browser = shop.signed_in(shop.customer())
    thanks = buy(browser, sandbox, pour="moi", denomination="20")
    number = re.search(r'href="/compte/recus/([0-9-]+)"', thanks).group(1)
    assert browser.get(f"/compte/recus/{number}").status_code == 200


def paper(app: Flask, person: Person, number: str) -> Paper:
    with app.test_request_context("/"):
        return Paper(print_receipt(find(db.session, number, person.id)))


@both_engines
def test_the_paper_says_what_the_page_says(app: Flask, shop: Shop, person: Person) -> None:
    app.config["CARD_VAT_MODE"] = "single"
    number = sales.sell(app, person)
    browser = shop.signed_in(person)
    answer = browser.get(f"/compte/recus/{number}.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="recu-{number}.pdf"'
    page = Paper(answer.data)
    assert len(page) == 1
    text = page.text()
    on_the_page = words(browser.get(f"/compte/recus/{number}").text)
    for said in (
        f"Reçu {number}",
        "Jeanne",
        "1 × 20,00 €",
        "16,67 €",
        "TVA 20 %",
        "3,33 €",
        "Bon à usage unique",
        "Désignation",
    ):
        assert said in text and said in on_the_page, said
    assert f"/compte/recus/{number}" in text
    assert answer.data == browser.get(f"/compte/recus/{number}.pdf").data


def test_the_paper_is_accessible(app: Flask, person: Person) -> None:
    page = paper(app, person, sales.sell(app, person))
    for mark in ("<pdfuaid:part>1</pdfuaid:part>", "/Lang(fr)", "/Marked true", "/DisplayDocTitle true"):
        assert page.says(mark), mark
    kinds = [kind for kind, _ in page.described()]
    assert kinds.count("H1") == 1 and kinds.count("Table") == 1 and kinds.count("TH") == 3
    assert [description for kind, description in page.described() if kind == "Figure"] == ["CinéMutins"]
    assert "€" in page.text() and "\ufffd" not in page.text()


@pytest.mark.parametrize(
    ("name", "imprint"),
    [
        ("W" * 100, "Une coopérative, " * 20),
        ("王小明 🎬", "#panic() $x$ \\ <b>"),
        ("Éloïse Œuvrard‑Łódź", "SCIC\nMontreuil"),
    ],
)
def test_it_is_one_page_whoever_buys(app: Flask, person: Person, name: str, imprint: str) -> None:
    number = sales.sell(app, person)
    with app.test_request_context("/"):
        receipt = find(db.session, number, person.id)
        db.session.expunge(receipt)
        receipt.buyer_name, receipt.seller_imprint, receipt.buyer_email = name, imprint, "x" * 240 + "@example.org"
        receipt.lines = receipt.lines * 12
        receipt.issued_at = datetime(2026, 12, 1, tzinfo=UTC)
        page = Paper(print_receipt(receipt))
    assert len(page) == 1
    assert "1 décembre 2026" in page.text()
