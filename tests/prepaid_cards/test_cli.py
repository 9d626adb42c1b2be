"""`flask cards …`: what a counter, a printer and the desk need until there is a page for it."""

import csv
import resource
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from store.db import db
from store.ledger.chart import GOODWILL, TILL, UNREDEEMED_CARDS
from store.prepaid_cards import print_cards
from store.prepaid_cards.batch import PrintedCard
from store.prepaid_cards.models import CardBatch, Denomination, PrepaidCard
from store.prepaid_cards.print_cards import print_sheets
from store.prepaid_cards.redeem import Unredeemable
from tests.conftest import both_engines
from tests.prepaid_cards.counter import Counter
from tests.prepaid_cards.paper import Paper, squares
from tests.shop import Shop

pytestmark = both_engines


def cards(app: Flask, *arguments: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["cards", *arguments], input=typed)


def printed(app: Flask, file: Path, count: int = 3, denomination: str = "20") -> list[dict[str, str]]:
    done = cards(app, "batch", "--denomination", denomination, "--count", str(count), "--out", str(file))
    assert done.exit_code == 0, done.output
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_batch_is_issued_for_print(app: Flask, counter: Counter, tmp_path: Path) -> None:
    lines = printed(app, tmp_path / "cards.csv", 12)
    assert [line["serial"] for line in lines] == [f"B1-{number:05}" for number in range(1, 13)]
    assert {line["sum"] for line in lines} == {"20.00"}
    found = [counter.find(line["code"]) for line in lines]
    assert [card.reference for card in found] == [f"batch:1/{number}" for number in range(1, 13)]
    assert {(card.purpose, card.price_cents, card.credit_cents, card.activated_at) for card in found} == {
        ("batch", 2000, 2100, None)
    }
    assert all(card.last4 == line["code"][-4:] for card, line in zip(found, lines, strict=True))
    with app.app_context():
        batch = db.session.scalars(select(CardBatch)).one()
    assert (batch.denomination, batch.price_cents, batch.credit_cents, batch.count) == ("20", 2000, 2100, 12)


def test_the_file_is_new_and_for_its_owner_alone(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "cards.csv"
    printed(app, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text()
    again = cards(app, "batch", "--denomination", "20", "--count", "3", "--out", str(file))
    nowhere = cards(app, "batch", "--denomination", "20", "--count", "3", "--out", str(tmp_path / "no" / "cards.csv"))
    for refused in (again, nowhere):
        assert refused.exit_code == 1
        assert "nothing was issued" in refused.output
    assert file.read_text() == before
    with app.app_context():
        assert db.session.scalars(select(func.count(PrepaidCard.id))).one() == 3


@pytest.mark.parametrize("count", ["0", "10001", "x"])
def test_a_batch_has_one_to_ten_thousand_cards(app: Flask, tmp_path: Path, count: str) -> None:
    refused = cards(app, "batch", "--denomination", "20", "--count", count, "--out", str(tmp_path / "cards.csv"))
    assert refused.exit_code == 2
    assert not list(tmp_path.glob("*.csv"))


def test_only_what_is_on_sale_is_printed(app: Flask, tmp_path: Path) -> None:
    cards(app, "denominations", "set", "20", "--withdrawn")
    for code in ("20", "21"):
        refused = cards(app, "batch", "--denomination", code, "--count", "1", "--out", str(tmp_path / "cards.csv"))
        assert (refused.exit_code, "on sale" in refused.output) == (1, True)
    assert not list(tmp_path.glob("*.csv"))


def test_a_lost_list_is_written_again(app: Flask, tmp_path: Path) -> None:
    lines = printed(app, tmp_path / "cards.csv")
    assert cards(app, "list", "1", "--out", str(tmp_path / "again.csv")).exit_code == 0
    with (tmp_path / "again.csv").open(newline="") as again:
        assert list(csv.DictReader(again)) == lines
    unknown = cards(app, "list", "2", "--out", str(tmp_path / "none.csv"))
    assert (unknown.exit_code, (tmp_path / "none.csv").exists()) == (1, False)


def test_sheets_hold_ten_tickets_a_page_that_lead_to_the_activation_page(app: Flask, tmp_path: Path) -> None:
    file, sheet = tmp_path / "cards.csv", tmp_path / "cards.pdf"
    done = cards(app, "batch", "--denomination", "20", "--count", "25", "--out", str(file), "--sheet", str(sheet))
    assert done.exit_code == 0, done.output
    assert f"codes are in {file}, {sheet}" in done.output
    with file.open(newline="") as lines:
        addresses = [f"http://localhost/cartes/activer#{line['code']}" for line in csv.DictReader(lines)]
    paper = Paper(sheet.read_bytes())
    assert len(paper) == 3
    assert [squares(paper.picture(page)) for page in range(3)] == [addresses[:10], addresses[10:20], addresses[20:]]
    assert "21,00" in paper.text()
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    again = tmp_path / "again.pdf"
    assert cards(app, "list", "1", "--sheet", str(again)).exit_code == 0
    assert again.read_bytes() == sheet.read_bytes()
    assert sorted(tmp_path.glob("*.csv*")) == [file]


def test_sheets_of_many_cards_are_numbered_files(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(print_cards, "BOOK", 10)
    printed(app, tmp_path / "cards.csv", 21)
    (tmp_path / "s-2.pdf").write_text("mine")
    refused = cards(app, "list", "1", "--sheet", str(tmp_path / "s.pdf"))
    assert (refused.exit_code, "s-2.pdf: File exists" in refused.output) == (1, True)
    assert [path.name for path in tmp_path.glob("s-*")] == ["s-2.pdf"]
    assert cards(app, "list", "1", "--sheet", str(tmp_path / "s.pdf"), "--replace").exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("s-*")) == ["s-1.pdf", "s-2.pdf", "s-3.pdf"]
    last = Paper((tmp_path / "s-3.pdf").read_bytes())
    assert (len(last), "B1-00021" in last.title, len(squares(last.picture()))) == (1, True, 1)


def test_files_appear_when_all_are_whole(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the second book is set nothing has another name than `.part`, and all of it is for its owner alone."""
    seen: list[set[str]] = []

    def watched(batch: list[PrintedCard], at: datetime) -> Iterator[bytes]:
        for pdf in print_sheets(batch, at):
            seen.append({f"{path.name} {path.stat().st_mode & 0o777:o}" for path in tmp_path.glob("c*")})
            yield pdf

    monkeypatch.setattr(print_cards, "BOOK", 10)
    monkeypatch.setattr(print_cards, "print_sheets", watched)
    old = tmp_path / "c.csv"
    old.write_text("old")
    old.chmod(0o644)
    options = ("--denomination", "20", "--count", "11", "--out", str(old), "--sheet", str(tmp_path / "c.pdf"))
    assert cards(app, "batch", *options, "--replace").exit_code == 0
    assert seen == [{"c.csv 644", "c.csv.part 600", "c-1.pdf.part 600", "c-2.pdf.part 600"}] * 2
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("c*")} == dict.fromkeys(
        ("c.csv", "c-1.pdf", "c-2.pdf"), 0o600
    )
    assert old.read_text().startswith("serial")


@pytest.mark.parametrize("options", [(), ("--replace",)])
def test_one_file_is_not_two(app: Flask, tmp_path: Path, options: tuple[str, ...]) -> None:
    both = ("--out", str(tmp_path / "x"), "--sheet", str(tmp_path / "x"), *options)
    refused = cards(app, "batch", "--denomination", "20", "--count", "1", *both)
    assert (refused.exit_code, "nothing was issued" in refused.output) == (1, True)
    assert not list(tmp_path.glob("x*"))


@pytest.mark.parametrize(
    "arguments", [("1",), ("0", "--out", "x"), (str(2**63), "--out", "x"), ("1", "--sheet", "/tmp")]
)
def test_a_list_of_nothing_or_for_nowhere_is_refused(app: Flask, arguments: tuple[str, ...]) -> None:
    assert cards(app, "list", *arguments).exit_code == 2


def test_a_full_disk_leaves_no_half_of_a_list(app: Flask, tmp_path: Path) -> None:
    """A limit on the size of files fails as a full disk does."""
    printed(app, tmp_path / "cards.csv")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, hard))
    try:
        failed = cards(app, "list", "1", "--out", str(tmp_path / "again.csv"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (failed.exit_code, "again.csv: File too large. `flask cards list" in failed.output) == (1, True)
    assert not list(tmp_path.glob("again.csv*"))


def test_a_stolen_stack_is_worth_nothing_until_it_is_sold(
    app: Flask, counter: Counter, shop: Shop, tmp_path: Path
) -> None:
    first, second, third = (line["code"] for line in printed(app, tmp_path / "cards.csv"))
    person = shop.customer()
    with pytest.raises(Unredeemable):
        counter.redeem(first, person)
    sold = cards(app, "sell", first, second.lower())
    assert (sold.exit_code, sold.output.count("sold for 20.00 EUR: 21.00 EUR")) == (0, 2)
    assert (counter.account(TILL), counter.account(UNREDEEMED_CARDS)) == (-4000, 4000)
    counter.redeem(first, person)
    assert shop.credit_of(person) == 2100
    with pytest.raises(Unredeemable):
        counter.redeem(third, person)


def test_what_cannot_be_sold_is_named_and_the_rest_is_sold(
    app: Flask, counter: Counter, shop: Shop, tmp_path: Path
) -> None:
    first, second, third = (line["code"] for line in printed(app, tmp_path / "cards.csv"))
    gift = counter.card(shop.customer(), sold=False)
    mistyped = third[:8] + ("0" if third[8] != "0" else "2") + third[9:]
    cards(app, "sell", first)
    done = cards(app, "sell", first, mistyped, gift, second, "U")
    assert done.exit_code == 1
    for complaint in (
        "card 1: was sold before",
        "card 2: mistyped in group 2",
        "card 3: no printed card has this code",
        "card 5: mistyped somewhere",
    ):
        assert complaint in done.output
    assert counter.account(TILL) == -4000
    assert counter.find(gift).activated_at is None


def test_codes_can_be_read_from_a_scanner_and_paid_otherwise(app: Flask, counter: Counter, tmp_path: Path) -> None:
    first, second, _ = (line["code"] for line in printed(app, tmp_path / "cards.csv"))
    done = cards(app, "sell", "--account", "goodwill", "-", typed=f"{first}\n\n{second}\n")
    assert done.exit_code == 0, done.output
    assert (counter.account(GOODWILL), counter.account(UNREDEEMED_CARDS)) == (-4000, 4000)
    assert cards(app, "sell", "--account", "vat_collected", first).exit_code == 2


def test_a_suspended_card_is_handed_out(app: Flask, counter: Counter, shop: Shop) -> None:
    buyer = shop.customer()
    ten, twenty = counter.card(buyer, 1000, 1000, "suspended"), counter.card(buyer, purpose="suspended")
    assert cards(app, "hand-out", "--denomination", "20").output == f"{twenty}  21.00 EUR of credit\n"
    assert ten in cards(app, "hand-out").output
    empty = cards(app, "hand-out")
    assert (empty.exit_code, "No such suspended card" in empty.output) == (1, True)
    assert cards(app, "hand-out", "--denomination", "7").exit_code == 1


def test_denominations_are_listed_and_changed(app: Flask) -> None:
    listed = cards(app, "denominations").output
    assert listed.splitlines() == [
        "        10  10.00 EUR → 10.00 EUR  on sale",
        "        20  20.00 EUR → 21.00 EUR  on sale",
        "        50  50.00 EUR → 55.00 EUR  on sale",
        "       100  100.00 EUR → 112.00 EUR  on sale",
    ]
    assert (
        "20.50 EUR → 22.00 EUR" in cards(app, "denominations", "set", "20", "--price", "20,50", "--credit", "22").output
    )
    assert "withdrawn" in cards(app, "denominations", "set", "10", "--withdrawn").output
    assert "30.00 EUR → 30.00 EUR  on sale" in cards(app, "denominations", "set", "30", "--price", "30").output
    with app.app_context():
        stored = db.session.execute(
            select(
                Denomination.code, Denomination.price_cents, Denomination.credit_cents, Denomination.on_sale
            ).order_by(Denomination.price_cents)
        ).all()
    assert stored == [
        ("10", 1000, 1000, False),
        ("20", 2050, 2200, True),
        ("30", 3000, 3000, True),
        ("50", 5000, 5500, True),
        ("100", 10000, 11200, True),
    ]
    assert "on sale" in cards(app, "denominations", "set", "10", "--on-sale").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("20", "--price", "21.01"),
        ("20", "--credit", "19.99"),
        ("70",),
        ("20", "--price", "0"),
        ("20", "--price", "-5"),
        ("20", "--price", "2.5"),
        ("20", "--price", "20000"),
        ("Libre!", "--price", "20"),
        ("libre", "--price", "20"),
    ],
)
def test_a_denomination_that_makes_no_sense_changes_nothing(app: Flask, arguments: tuple[str, ...]) -> None:
    before = cards(app, "denominations").output
    refused = cards(app, "denominations", "set", *arguments)
    assert refused.exit_code in {1, 2}
    assert isinstance(refused.exception, SystemExit)  # a sentence, not a traceback
    assert cards(app, "denominations").output == before
