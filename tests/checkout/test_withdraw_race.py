"""Two at once on PostgreSQL, where readers do not wait: who decides about a card looks at it again under its lock."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from store import clock
from store.checkout.models import Refund
from store.checkout.withdraw import CannotWithdraw, withdraw
from store.db import db, transaction
from store.prepaid_cards.imprint import code_on
from store.prepaid_cards.models import PrepaidCard
from store.prepaid_cards.redeem import redeem
from tests.checkout.purchases import bought, count
from tests.shop import Shop


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_gift_redeemed_while_its_giver_takes_it_back_goes_to_one_of_them(
    app: Flask, shop: Shop, sandbox: str
) -> None:
    giver, friend = shop.customer(), shop.customer("paul@example.org")
    bought(app, shop.signed_in(giver), sandbox, pour="cadeau", recipient_name="Paul", recipient_email="p@example.org")
    with app.app_context():
        card = db.session.scalars(select(PrepaidCard)).one()
        code, card_id = code_on(app.config["CODE_KEYS"], card), card.id
        db.session.rollback()

    def take_back() -> str:
        with app.app_context():
            try:
                with transaction() as session:
                    withdraw(session, giver.id, card_id, clock.now())
            except CannotWithdraw:
                return "too late"
        return "taken back"

    with ThreadPoolExecutor(1) as pool:
        with app.app_context(), transaction() as session:
            redeem(session, code, friend.wallet_id, keys=app.config["CODE_KEYS"], at=clock.now())
            outcome = pool.submit(take_back)  # it reads the card as it was, then waits for its lock
            while not somebody_waits(session):
                assert not outcome.done()
        assert outcome.result() == "too late"
    assert shop.credit_of(friend) == 2100
    assert count(app, Refund) == 0


def somebody_waits(session: Session) -> bool:
    """Whether a transaction of this database waits for another's lock, now: PostgreSQL keeps what it saw first in a transaction."""
    session.execute(text("SELECT pg_stat_clear_snapshot()"))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return session.scalar(text(waiting)) > 0
