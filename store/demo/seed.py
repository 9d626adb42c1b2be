"""The demo's data: a catalogue on real facts, three accounts, and films that can be played at once.

Every step looks before it writes, so that seeding twice changes nothing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from store import clock
from store.catalogue.import_films import import_catalogue, read_catalogue
from store.catalogue.index_films import index_films
from store.catalogue.models import Film, HomePage
from store.customers import second_factor
from store.customers.models import STAFF as STAFF_ROLE
from store.customers.models import Customer
from store.customers.passwords import hash_password
from store.customers.register import register
from store.db import db, transaction
from store.gateways.master import probe
from store.gateways.media_store import media_store
from store.gateways.webvtt import Subtitle
from store.jobs.enqueue import enqueue
from store.ledger.chart import GOODWILL
from store.media.delivery import Delivery
from store.media.download import order_download
from store.media.models import Ingest
from store.prepaid_cards.activate import activate
from store.prepaid_cards.codes import written
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.issue import issue_for_order
from store.shown import move_on

HERE = Path(__file__).resolve().parent
CATALOGUE = HERE / "catalogue.json"
MASTERS = HERE / "masters"
PACKAGED = HERE / "packaged"
SUBTITLE_LANGUAGES = ("fr", "en")

PASSWORD = "demo-demo-demo"  # noqa: S105  # public on purpose: production refuses accounts that have it
SECOND_FACTOR = "CINEMUTINSDEMONSTRATIONSECRET234"
"""What an app makes the codes of the demo's staff of (base32)."""


@dataclass(frozen=True)
class Account:
    """A demo account: the price of the card that its credit comes from, and that credit, in cents."""

    email: str
    name: str
    price_cents: int = 0
    credit_cents: int = 0
    role: str | None = None


SPECTATRICE = Account("spectatrice@example.org", "Ambre", 20_00, 21_00)
SPECTATEUR = Account("spectateur@example.org", "Lucien", 2_10, 2_10)
STAFF = Account("equipe@example.org", "L’équipe", role=STAFF_ROLE)

DEMO_CARDS = (
    (1, 10_00, 10_00),
    (2, 10_00, 10_00),
    (3, 20_00, 21_00),
    (4, 20_00, 21_00),
    (5, 50_00, 55_00),
    (6, 100_00, 112_00),
)
"""Number, price and credit, in cents, of the demo's cards that nobody redeemed yet."""


def seed() -> None:
    """Fill the shop."""
    _seed_catalogue()
    for account in (SPECTATRICE, SPECTATEUR, STAFF):
        _seed_account(account)
    _seed_second_factor()
    _publish_shipped_films()
    _seed_cards()
    _order_packaging()


def _seed_catalogue() -> None:
    if db.session.scalar(select(HomePage.id)) is not None:
        return
    with transaction() as session:
        report = import_catalogue(session, read_catalogue(CATALOGUE), clock.now())
    for refusal in report.refused:
        raise ValueError(f"the demo's own catalogue is refused: {refusal}")


def _seed_account(account: Account) -> None:
    if db.session.scalar(select(Customer.id).where(Customer.email == account.email)) is not None:
        return
    password_hash = hash_password(PASSWORD)
    now = clock.now()
    with transaction() as session:
        customer_id = register(
            session,
            email=account.email,
            name=account.name,
            password_hash=password_hash,
            currency=current_app.config["SHOP_CURRENCY"],
            at=now,
            role=account.role,
            confirmed_at=now,
        )
        if account.credit_cents:
            [card] = issue_for_order(
                session,
                references=[f"demo:{customer_id}"],
                purpose="self",
                price_cents=account.price_cents,
                credit_cents=account.credit_cents,
                currency=current_app.config["SHOP_CURRENCY"],
                bought_by=customer_id,
                at=now,
                keys=current_app.config["CODE_KEYS"],
            )
            activate(
                session,
                {card.reference: f"demo:{customer_id}:credit"},
                wallet_id=session.scalars(select(Customer.wallet_id).where(Customer.id == customer_id)).one(),
                funded_by=GOODWILL,
                at=now,
            )


def _seed_second_factor() -> None:
    staff_id = db.session.scalars(select(Customer.id).where(Customer.email == STAFF.email)).one()
    if second_factor.has_app(db.session, staff_id):
        return
    with transaction() as session:
        second_factor.put(session, staff_id, current_app.config["SECRET_KEY"], SECOND_FACTOR, clock.now())


def _seed_cards() -> None:
    """Cards that nobody redeemed yet, their codes in `demo-cards.txt` of the instance folder."""
    keys, lines = current_app.config["CODE_KEYS"], []
    with transaction() as session:
        staff_id = session.scalars(select(Customer.id).where(Customer.email == STAFF.email)).one()
        for serial, price_cents, credit_cents in DEMO_CARDS:
            [card] = issue_for_order(
                session,
                references=[f"demo-card:{serial}"],
                purpose="batch",
                price_cents=price_cents,
                credit_cents=credit_cents,
                currency=current_app.config["SHOP_CURRENCY"],
                bought_by=staff_id,
                at=clock.now(),
                keys=keys,
            )
            activate(session, {card.reference: f"demo-card:{serial}:sale"}, funded_by=GOODWILL, at=clock.now())
            lines.append(f"{written(code_on(keys, card))}  {credit_cents / 100:.2f}\n")
    (Path(current_app.instance_path) / "demo-cards.txt").write_text("".join(lines), encoding="utf-8")


def _publish_shipped_films() -> None:
    """Films that the repository holds packaged can be played as soon as the shop is open."""
    store = media_store()
    for folder in sorted(PACKAGED.glob("*/*/")):
        film, recipe = folder.parent.name, folder.name
        if db.session.scalar(select(Film.recipe).where(Film.slug == film)) is not None:
            continue
        store.publish_copy(folder, film, recipe)
        duration_s = probe(MASTERS / f"{film}.mp4").duration_s
        with transaction() as session:
            _mark_published(session, film, recipe, duration_s)


def _mark_published(session: Session, film: str, recipe: str, duration_s: float) -> None:
    """Point the film to its folder, also when an earlier seed left it waiting for the worker."""
    film_id = session.scalars(select(Film.id).where(Film.slug == film)).one()
    trailer = sorted(SUBTITLE_LANGUAGES) if delivery_of(film).trailer else None
    live = {"recipe": recipe, "subtitles": list(SUBTITLE_LANGUAGES), "trailer": trailer}
    session.execute(update(Film).where(Film.id == film_id).values(live))
    session.execute(delete(Ingest).where(Ingest.film_id == film_id))
    published = {"state": "published", "recipe": recipe, "fraction": 1.0, "duration_s": duration_s}
    session.execute(insert(Ingest).values(**_ingest(film, film_id), **published))
    index_films(session, [film_id])
    move_on(session)
    order_download(session, film)


def _order_packaging() -> None:
    """The worker packages the others, one after the other, at low priority."""
    waiting = (
        select(Film.id, Film.slug)
        .outerjoin(Ingest, Ingest.film_id == Film.id)
        .where(Ingest.film_id.is_(None))
        .order_by(Film.id)
    )
    films = [row for row in db.session.execute(waiting) if (MASTERS / f"{row.slug}.mp4").exists()]
    if not films:
        return
    with transaction() as session:
        for film_id, slug in films:
            session.execute(insert(Ingest).values(**_ingest(slug, film_id), state="waiting", fraction=0.0))
            enqueue(session, "media.publish", {"film_slug": slug})


def delivery_of(film: str) -> Delivery:
    """A demo film's files, as the worker takes them."""
    trailer = MASTERS / f"{film}.trailer.mp4"
    if not trailer.exists():
        return Delivery(MASTERS / f"{film}.mp4", _subtitles(film))
    return Delivery(
        MASTERS / f"{film}.mp4", _subtitles(film), trailer=trailer, trailer_subtitles=_subtitles(f"{film}.trailer")
    )


def _subtitles(stem: str) -> tuple[Subtitle, ...]:
    return tuple(Subtitle(language, MASTERS / f"{stem}.{language}.vtt") for language in SUBTITLE_LANGUAGES)


def _ingest(film: str, film_id: int) -> dict[str, Any]:
    delivery = delivery_of(film).as_json()
    return {"film_id": film_id, "delivery": delivery, "digests": {}, "step": "", "updated_at": clock.now()}
