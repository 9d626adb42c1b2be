"""Who copies the database, or reads the logs, finds no code that could be redeemed."""

import csv
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, text

from store.db import db, transaction
from store.logs import init_logs
from store.prepaid_cards.gifts import correct_address, given_by
from tests.conftest import both_engines
from tests.prepaid_cards.counter import WISH, Counter
from tests.prepaid_cards.test_pages import LEFT, USE, enter, mistyped, unknown
from tests.shop import Shop

pytestmark = both_engines


def dump(app: Flask) -> str:
    """Everything that the database holds, and on SQLite the bytes of its files, what was deleted included."""
    rows = []
    with app.app_context():
        for table in inspect(db.engine).get_table_names():
            rows += [repr(tuple(row)) for row in db.session.execute(text(f'SELECT * FROM "{table}"'))]
        database = db.engine.url.database or ""
    files = Path(database).parent.glob(Path(database).name + "*") if database.endswith(".sqlite") else []
    return "\n".join(rows + [file.read_bytes().decode("latin-1") for file in files])


def pieces(code: str) -> set[str]:
    """Seven symbols of the code in a row, with and without hyphens; its last four are shown on purpose."""
    plain = code.replace("-", "")
    return {code[start : start + 8] for start in range(0, 12, 2)} | {plain[start : start + 7] for start in range(9)}


def test_no_code_in_a_dump_of_the_database_nor_in_the_logs(
    app: Flask, counter: Counter, shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init_logs()
    buyer, person, rich = (shop.customer(f"{who}@example.org") for who in ("buyer", "person", "rich"))
    shop.credit(rich, 24900)
    used, owed, unsold = counter.card(buyer), counter.card(buyer), counter.card(buyer, sold=False)
    suspended, gift = counter.card(buyer, purpose="suspended"), counter.card(buyer, gift=WISH)
    file = tmp_path / "cards.csv"
    cli = app.test_cli_runner()
    cli.invoke(args=["cards", "batch", "--denomination", "20", "--count", "3", "--out", str(file)])
    with file.open() as lines:
        printed = [line["code"] for line in csv.DictReader(lines)]
    cli.invoke(args=["cards", "sell", printed[0], mistyped(printed[1]), gift])
    with app.app_context(), transaction() as session:
        [given] = given_by(session, buyer.id)
        correct_address(session, given.gift.id, buyer.id, "other@example.org", keys=counter.keys)
        reissued = counter.code_on(given.card)
    stranger, client = app.test_client(), shop.signed_in(person)
    for code in (used, mistyped(owed), unsold, unknown(counter)):
        for page in (LEFT, USE):
            enter(client, code, page)
    enter(stranger, owed)
    assert enter(shop.signed_in(rich), owed).status_code == 422
    codes = {used, owed, unsold, suspended, gift, reissued, unknown(counter), *printed}
    assert len(codes) == 10
    kept = dump(app)
    assert used[-4:] in kept and "other@example.org" in kept
    break_down(app)
    assert enter(client, owed, LEFT).status_code >= 500
    logged = capsys.readouterr().err
    assert "level='error'" in logged and f"path='{LEFT}'" in logged
    for piece in set().union(*map(pieces, codes)):
        assert piece not in kept, piece
        assert piece not in logged, piece


def break_down(app: Flask) -> None:
    """The next look at a card's balance fails in the middle. Only the tables' owner can do that."""
    owner = create_engine(app.config["MIGRATION_DATABASE_URL"])
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE gift RENAME COLUMN opened_at TO lost_at"))
    owner.dispose()


def test_a_code_found_by_its_digest_alone_is_of_no_use(app: Flask, counter: Counter, shop: Shop) -> None:
    """Who has the database has digests; neither they nor what is shown of a code are one."""
    buyer = shop.customer()
    card = counter.find(counter.card(buyer))
    for guess in (card.lookup_digest[:20], card.lookup_digest, card.last4 * 5, f"{card.id}:{card.reissue}"):
        assert enter(shop.signed_in(buyer), guess.upper()).status_code == 422
    assert shop.credit_of(buyer) == 0
