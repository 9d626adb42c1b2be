"""`flask cards …`: printed and suspended cards, and what is on sale, from the command line."""

import csv
import errno
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import BinaryIO

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.orm import Session

from store import clock
from store.db import db, transaction
from store.language import FRENCH, speaking
from store.ledger.chart import GOODWILL, STRIPE_CLEARING, TILL
from store.prepaid_cards import denominations, print_cards
from store.prepaid_cards.batch import LARGEST, PrintedCard, issue_cards, open_batch, printed_cards
from store.prepaid_cards.codes import Mistyped, read, written
from store.prepaid_cards.denominations import BadDenomination
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import CardBatch, Denomination
from store.prepaid_cards.pool import PoolIsEmpty, hand_out
from store.prepaid_cards.sell import AlreadySold, NotPrinted, sell

commands = AppGroup("cards", help="Prepaid cards: printed, suspended, and what is on sale.")

CHUNK = 500
HIGHEST_CENTS = 10_000_00
GREATEST_ID = 2**63 - 1  # that a database can be asked for
LIST_AGAIN = "`flask cards list BATCH` writes the codes of an issued batch again."

FILE = click.Path(path_type=Path, dir_okay=False)
SHEET_HELP = (
    "A new PDF: A4 sheets of ten tickets with marks to cut along. Of more than 200 cards several,"
    " FILE-1.pdf, FILE-2.pdf and so on."
)
REPLACE_HELP = "Write over files that are there."


class _Sum(click.ParamType[int]):
    """A sum such as 20, 20.50 or 20,50, in cents."""

    name = "sum"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Cents; fails for what is no sum."""
        found = re.fullmatch(r"([0-9]{1,5})(?:[.,]([0-9]{2}))?", value)
        cents = int(found[1]) * 100 + int(found[2] or 0) if found else 0
        if not 0 < cents <= HIGHEST_CENTS:
            self.fail(f"{value!r} is not a sum such as 20 or 20.50", param, ctx)
        return cents


@commands.command("batch")
@click.option("--denomination", "denomination_code", required=True, metavar="D", help="What is printed, such as 20.")
@click.option("--count", required=True, type=click.IntRange(1, LARGEST), help="How many cards.")
@click.option("--out", required=True, type=FILE, help="A new CSV file: serial, code, sum.")
@click.option("--sheet", type=FILE, help=SHEET_HELP)
@click.option("--replace", is_flag=True, help=REPLACE_HELP)
def batch_command(denomination_code: str, count: int, out: Path, sheet: Path | None, replace: bool) -> None:
    """Issue cards for print. They are worth nothing until `cards sell` activates them."""
    paths = _Paths(out, _sheet_paths(sheet, count))
    with _new_files(paths, replace) as files:
        batch = _issue(denomination_code, count)
        click.echo(f"Batch {batch.id} is issued: {count} cards of {_sum(batch.price_cents)}.")
        _write(batch, files)
    click.echo(f"Its codes are in {paths}: keep that locked away.")


@commands.command("list")
@click.argument("batch_id", type=click.IntRange(1, GREATEST_ID), metavar="BATCH")
@click.option("--out", type=FILE, help="A new CSV file: serial, code, sum.")
@click.option("--sheet", type=FILE, help=SHEET_HELP)
@click.option("--replace", is_flag=True, help=REPLACE_HELP)
def list_command(batch_id: int, out: Path | None, sheet: Path | None, replace: bool) -> None:
    """Write the list of a batch again, or its sheets."""
    if not out and not sheet:
        raise click.UsageError("Name a file to write: --out, --sheet or both.")
    batch = db.session.get(CardBatch, batch_id)
    if batch is None:
        raise click.ClickException(f"There is no batch {batch_id}.")
    paths = _Paths(out, _sheet_paths(sheet, batch.count))
    with _new_files(paths, replace) as files:
        _write(batch, files)
    click.echo(f"The codes of batch {batch_id} are in {paths}: keep that locked away.")


@commands.command("sell")
@click.argument("codes", nargs=-1, required=True, metavar="CODE…")
@click.option(
    "--account",
    type=click.Choice([TILL, STRIPE_CLEARING, GOODWILL]),
    default=TILL,
    show_default=True,
    help="Where the money went, or what paid for a card that was given away.",
)
def sell_command(codes: tuple[str, ...], account: str) -> None:
    """Activate the printed cards that were sold: a line for each, and exit 1 if one could not be.

    `-` reads the codes from standard input, one a line.
    """
    lines = sys.stdin.read().splitlines() if codes == ("-",) else codes
    refused = 0
    for place, text in enumerate(filter(str.strip, lines), start=1):
        try:
            click.echo(_sell(text, account))
        except click.ClickException as error:
            refused += 1
            click.echo(f"card {place}: {error.message}", err=True)
    if refused:
        raise SystemExit(1)


@commands.command("hand-out")
@click.option("--denomination", "denomination_code", metavar="D", help="Of this denomination; any when left out.")
def hand_out_command(denomination_code: str | None) -> None:
    """Print the code of the suspended card that waits longest, to give it to one person."""
    try:
        with transaction() as session:
            price_cents = _denomination(session, denomination_code).price_cents if denomination_code else None
            card = hand_out(session, at=clock.now(), price_cents=price_cents)
    except PoolIsEmpty:
        raise click.ClickException("No such suspended card is waiting.") from None
    click.echo(f"{written(code_on(current_app.config['CODE_KEYS'], card))}  {_sum(card.credit_cents)} of credit")


@commands.group("denominations", invoke_without_command=True)
@click.pass_context
@with_appcontext
def denominations_group(context: click.Context) -> None:
    """List what is on sale and what was withdrawn; `set` changes it."""
    if context.invoked_subcommand is None:
        for denomination in denominations.known(db.session):
            click.echo(_described(denomination))


@denominations_group.command("set")
@click.argument("code")
@click.option("--price", type=_Sum(), help="What it costs, such as 20 or 20.50.")
@click.option("--credit", type=_Sum(), help="The credit that it gives; what exceeds the price is bonus.")
@click.option("--on-sale/--withdrawn", "is_on_sale", default=None, help="Whether it can be bought.")
def set_command(code: str, price: int | None, credit: int | None, is_on_sale: bool | None) -> None:
    """Change the denomination CODE, or make it. Cards and orders keep their terms."""
    if not re.fullmatch("[a-z0-9-]{1,10}", code) or code == "libre":
        raise click.BadParameter("a code is 1 to 10 lower-case letters or digits, and not `libre`", param_hint="CODE")
    try:
        with transaction() as session:
            changed = denominations.change(session, code, price_cents=price, credit_cents=credit, is_on_sale=is_on_sale)
    except BadDenomination as error:
        raise click.ClickException(f"{error}. Nothing was changed.") from None
    click.echo(_described(changed))


def _denomination(session: Session, code: str) -> Denomination:
    denomination = denominations.find(session, code)
    if denomination is None:
        raise click.ClickException(f"No denomination {code} is on sale; `flask cards denominations` lists them.")
    return denomination


@dataclass(frozen=True)
class _Paths:
    """Where the codes of a batch are to be: in a list, on sheets, or in both."""

    list: Path | None
    sheets: Sequence[Path]

    def __str__(self) -> str:
        return ", ".join(map(str, filter(None, (self.list, *self.sheets))))


@dataclass(frozen=True)
class _Files:
    """The same, opened."""

    list: BinaryIO | None
    sheets: Sequence[BinaryIO]


def _sheet_paths(sheet: Path | None, count: int) -> list[Path]:
    """The PDFs of a batch of so many cards, numbered if there are several."""
    if sheet is None:
        return []
    books = ceil(count / print_cards.BOOK)
    if books == 1:
        return [sheet]
    return [sheet.with_stem(f"{sheet.stem}-{number:0{len(str(books))}}") for number in range(1, books + 1)]


@contextmanager
def _new_files(paths: _Paths, replace: bool) -> Iterator[_Files]:
    """Files that nobody else may read. They appear together once all are whole, and over others only if they are to `replace` them."""
    with ExitStack() as opened:
        yield _Files(
            opened.enter_context(_new_file(paths.list, replace)) if paths.list else None,
            [opened.enter_context(_new_file(path, replace)) for path in paths.sheets],
        )


@contextmanager
def _new_file(path: Path, replace: bool) -> Iterator[BinaryIO]:
    part = path.with_name(f"{path.name}.part")
    try:
        _require_free(path, replace)
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; nothing was issued.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        _require_free(path, replace)
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise click.ClickException(f"{path}: {error.strerror}. {LIST_AGAIN}") from None
        raise


def _require_free(path: Path, replace: bool) -> None:
    if not replace and path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def _issue(denomination_code: str, count: int) -> CardBatch:
    """Issue the batch, whole or not at all."""
    settings = current_app.config
    serials = range(1, count + 1)
    with transaction() as session, click.progressbar(length=count, label="issuing") as bar:
        batch = open_batch(session, _denomination(session, denomination_code), count, clock.now())
        for start in range(0, count, CHUNK):
            chunk = serials[start : start + CHUNK]
            issue_cards(
                session,
                batch,
                chunk,
                currency=settings["SHOP_CURRENCY"],
                keys=settings["CODE_KEYS"],
                vat_mode=settings["CARD_VAT_MODE"],
            )
            bar.update(len(chunk))
    return batch


def _write(batch: CardBatch, files: _Files) -> None:
    cards = list(printed_cards(db.session, batch.id, keys=current_app.config["CODE_KEYS"]))
    if files.list:
        _write_list(files.list, cards)
    if files.sheets:
        _write_sheets(files.sheets, cards, batch.made_at)


def _write_list(file: BinaryIO, cards: Sequence[PrintedCard]) -> None:
    lines = ((card.serial, written(card.code), _decimal(card.price_cents)) for card in cards)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("serial", "code", "sum"), *lines])
    file.write(text.getvalue().encode())


def _write_sheets(files: Sequence[BinaryIO], cards: Sequence[PrintedCard], at: datetime) -> None:
    """Set the tickets, one file after the other. They say when the batch was made: set again they are the same."""
    with speaking(FRENCH), click.progressbar(length=len(cards), label="setting sheets") as bar:
        for file, pdf in zip(files, print_cards.print_sheets(cards, at), strict=True):
            file.write(pdf)
            bar.update(print_cards.BOOK)


def _sell(text: str, account: str) -> str:
    """Sell one card; the sentence that says so."""
    try:
        with transaction() as session:
            code = read(text)
            card = sell(session, code, keys=current_app.config["CODE_KEYS"], at=clock.now(), funded_by=account)
    except Mistyped as mistake:
        where = f"in group {mistake.group}" if mistake.group else "somewhere"
        raise click.ClickException(f"mistyped {where}; not sold") from None
    except NotPrinted:
        raise click.ClickException("no printed card has this code; not sold") from None
    except AlreadySold:
        raise click.ClickException("was sold before; nothing changed") from None
    return f"N° {card.last4} sold for {_sum(card.price_cents)}: {_sum(card.credit_cents)} of credit wait for its code"


def _described(denomination: Denomination) -> str:
    state = "on sale" if denomination.on_sale else "withdrawn"
    return f"{denomination.code:>10}  {_sum(denomination.price_cents)} → {_sum(denomination.credit_cents)}  {state}"


def _sum(cents: int) -> str:
    return f"{_decimal(cents)} {current_app.config['SHOP_CURRENCY']}"


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
