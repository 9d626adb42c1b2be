"""ARCHITECTURE in force: who may import whom, and who may touch the visitor, the books, the clock and the outside world."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import ROOT

PROGRAMS = ("store.demo.serve", "store")
ENTRY_ROOMS = {"backoffice", "pages", "demo"}
ENTRY_FILES = {"views", "forms", "webhook", "cli", "jobs"}
ROWS = (
    {"web"},
    {"privacy"},
    {"playback", "checkout"},
    {"rentals", "prepaid_cards"},
    {"backups"},
    {"customers", "catalogue", "media"},
    {"ledger", "audit", "jobs"},
    {"mail"},
    {"gateways"},
)
"""Rooms under the entry files; under them stand the files of `store/` itself. Each row may import only those after it."""

FOOT = len(ROWS) + 1
AGREED = {
    ("store.media.publish", "store.catalogue.models"),  # to publish is to point the film to its packaged version
    ("store.media.download", "store.catalogue.models"),  # and its file is made from the version that it points to
    ("store.media.old_versions", "store.catalogue.models"),  # and what it points to no more is deleted
    ("store.media.publish", "store.catalogue.index_films"),
    ("store.media.cli", "store.catalogue.cli"),  # `films ingest` is one of the commands of `films`
}

SANDBOX = "store.gateways.stripe_sandbox"
STARTS_PROCESSES = {"store.demo.serve", "store.demo.draw_masters"}
OF_THE_VISITOR = {"request", "session", "current_user"}
OUTSIDE_WORLD = {
    "stripe",
    "smtplib",
    "subprocess",
    "socket",
    "urllib.request",
    "http.client",
    "requests",
    "boto3",
    "botocore",
    "typst",
}
WRITERS = {"insert", "update", "delete", "insert_if_absent"}
TIME = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
BOOKS = {"Wallet", "Lot", "Journal", "Posting", "LedgerAccount", "Freeze"}
SQL_ON_BOOKS = re.compile(
    r"\b(INTO|UPDATE|DELETE FROM)\s+(wallet|lot|journal|posting|ledger_account|wallet_freeze)\b", re.IGNORECASE
)

Rule = Callable[[str, ast.Module], Iterator[str]]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


TREES = {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "store").rglob("*.py")}


def room_of(module: str) -> str:
    """The room; a file of `store/` itself is its own."""
    return module.split(".")[1] if "." in module else module


def is_entry(module: str) -> bool:
    parts = module.split(".")
    return room_of(module) in ENTRY_ROOMS or (len(parts) > 2 and parts[2] in ENTRY_FILES)


def row_of(module: str) -> int:
    """The place of the module in the house: 0 for entry files, more for what stands under them."""
    if module in PROGRAMS:
        return PROGRAMS.index(module) - len(PROGRAMS)
    if is_entry(module):
        return 0
    return next((row for row, rooms in enumerate(ROWS, start=1) if room_of(module) in rooms), FOOT)


def imported_by(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported, those of ours by their full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in TREES else str(node.module) for name in inner)


def calls_in(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """Each call: what is called, and its arguments that are plain names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), [argument.id for argument in node.args if isinstance(argument, ast.Name)]


def imports_lead_down(module: str, tree: ast.Module) -> Iterator[str]:
    for imported in set(imported_by(tree)):
        if imported not in TREES or room_of(imported) == room_of(module):
            continue
        leads_down = row_of(module) < row_of(imported) or row_of(module) == row_of(imported) == FOOT
        if not leads_down and (module, imported) not in AGREED:
            yield imported


def imports_stand_at_the_top(module: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from (name for name in imported_by(node) if name.startswith("store"))


def entry_files_alone_see_the_visitor(module: str, tree: ast.Module) -> Iterator[str]:
    if is_entry(module) or room_of(module) == "web" or module.startswith(SANDBOX):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in {"flask", "flask_login"}:
            yield from (alias.name for alias in node.names if alias.name in OF_THE_VISITOR)


def gateways_alone_reach_outside(module: str, tree: ast.Module) -> Iterator[str]:
    if room_of(module) == "gateways" or module in STARTS_PROCESSES:
        return
    for imported in imported_by(tree):
        if imported in OUTSIDE_WORLD or imported.split(".")[0] in OUTSIDE_WORLD:
            yield imported


def one_file_writes_the_books(module: str, tree: ast.Module) -> Iterator[str]:
    if module == "store.ledger.post":
        return
    for called, arguments in calls_in(tree):
        if called in BOOKS or (called.split(".")[-1] in WRITERS and BOOKS & {*arguments}):
            yield called
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_ON_BOOKS.search(node.value):
            yield node.value


def one_file_reads_the_time(module: str, tree: ast.Module) -> Iterator[str]:
    if module != "store.clock" and not module.startswith(SANDBOX):
        yield from (called for called, _ in calls_in(tree) if ".".join(called.split(".")[-2:]) in TIME)


def transactions_alone_commit(module: str, tree: ast.Module) -> Iterator[str]:
    if module not in {"store.db", "store.migrate"} and not module.startswith(SANDBOX):
        yield from (called for called, _ in calls_in(tree) if called.endswith((".commit", ".begin_nested")))


def rows_are_held_and_can_be_referred_to(module: str, tree: ast.Module) -> Iterator[str]:
    """FOR UPDATE waits for whoever refers to the row by a foreign key: two who did, and then lock it, wait for each other."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    locks = (call for call in calls if ast.unparse(call.func).endswith(".with_for_update"))
    yield from (ast.unparse(lock) for lock in locks if all(keyword.arg != "key_share" for keyword in lock.keywords))


def one_file_chooses_the_language(module: str, tree: ast.Module) -> Iterator[str]:
    """Letters are written in their reader's language: `writing_to` and `speaking` know how."""
    if module != "store.language":
        yield from (called for called, _ in calls_in(tree) if called.endswith("force_locale"))


def the_sandbox_knows_no_shop(module: str, tree: ast.Module) -> Iterator[str]:
    if module.startswith(SANDBOX):
        ours = (name for name in imported_by(tree) if name.split(".")[0] in {"store", "config"})
        yield from (name for name in ours if not name.startswith("store.gateways"))


RULES = [
    imports_lead_down,
    imports_stand_at_the_top,
    entry_files_alone_see_the_visitor,
    gateways_alone_reach_outside,
    one_file_writes_the_books,
    one_file_reads_the_time,
    transactions_alone_commit,
    rows_are_held_and_can_be_referred_to,
    one_file_chooses_the_language,
    the_sandbox_knows_no_shop,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert {module: found for module, tree in TREES.items() if (found := sorted(rule(module, tree)))} == {}


@pytest.mark.parametrize(
    ("rule", "module", "source"),
    [
        (imports_lead_down, "store.rentals.rent", "from store.prepaid_cards.activate import activate"),
        (imports_lead_down, "store.rentals.views", "from store.customers import forms"),
        (imports_lead_down, "store.rentals.views", "import store.catalogue.views"),
        (imports_lead_down, "store.rentals.rent", "from store.web.next_page import own_path"),
        (imports_lead_down, "store.jobs.work", "from store.checkout.jobs import settle_session"),
        (imports_lead_down, "store.ledger.post", "from store.customers.models import Customer"),
        (imports_lead_down, "store.db", "from store.ledger import models"),
        (imports_lead_down, "store.catalogue.browse", "from store import create_app"),
        (imports_stand_at_the_top, "store.customers.views.enter", "def f():\n    from store import clock"),
        (entry_files_alone_see_the_visitor, "store.rentals.rent", "from flask import current_app, request"),
        (entry_files_alone_see_the_visitor, "store.ledger.post", "from flask_login import current_user"),
        (gateways_alone_reach_outside, "store.checkout.fulfil", "import stripe"),
        (gateways_alone_reach_outside, "store.media.publish", "from subprocess import run"),
        (gateways_alone_reach_outside, "store.web.health", "from urllib.request import urlopen"),
        (gateways_alone_reach_outside, "store.prepaid_cards.print_cards", "import typst"),
        (one_file_writes_the_books, "store.rentals.rent", "session.execute(update(Lot).values(remaining=0))"),
        (one_file_writes_the_books, "store.demo.seed", "session.add(Journal(kind='card'))"),
        (one_file_writes_the_books, "store.demo.seed", "text('INSERT INTO posting VALUES (1)')"),
        (one_file_reads_the_time, "store.web.health", "import datetime\nx = datetime.datetime.now()"),
        (transactions_alone_commit, "store.rentals.rent", "session.commit()"),
        (rows_are_held_and_can_be_referred_to, "store.rentals.rent", "query = select(Film).with_for_update()"),
        (one_file_chooses_the_language, "store.rentals.jobs", "with force_locale('fr'):\n    pass"),
        (the_sandbox_knows_no_shop, f"{SANDBOX}.api", "from store.db import db"),
    ],
)
def test_the_rules_bite(rule: Rule, module: str, source: str) -> None:
    assert list(rule(module, ast.parse(source)))
