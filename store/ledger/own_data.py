"""What the books hold of a customer: under the number of a wallet, without a name."""

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from store.ledger.models import Freeze, Journal, Lot, Posting, Wallet
from store.own_table import Owner, OwnTable


def own_tables(owner: Owner) -> list[OwnTable]:
    """The wallet, its lots, and every movement of them."""
    lots = select(
        *(Lot.id, Lot.kind, Lot.reference, Lot.initial, Lot.remaining, Lot.vat_cents, Lot.expires_at, Lot.created_at),
    )
    movements = (
        select(
            *(Journal.id, Journal.at, Journal.kind, Journal.reference, Journal.currency, Journal.reverses_id),
            *(Posting.amount, Posting.debit_account, Posting.credit_account, Posting.lot_id),
        )
        .join(Posting, Posting.journal_id == Journal.id)
        .join(Lot, Lot.id == Posting.lot_id)
        .where(Lot.wallet_id == owner.wallet_id)
        .order_by(Journal.id, Posting.id)
    )
    freezes = select(Freeze.reference, Freeze.cents, Freeze.frozen_at, Freeze.lifted_at)
    return [
        OwnTable(
            "wallet",
            _("My wallet"),
            select(Wallet.id, Wallet.currency, Wallet.opened_at).where(Wallet.id == owner.wallet_id),
        ),
        OwnTable("credit", _("My credit, lot by lot"), lots.where(Lot.wallet_id == owner.wallet_id).order_by(Lot.id)),
        OwnTable("movements", _("Movements of my credit"), movements),
        OwnTable(
            "freezes",
            _("When my credit was frozen"),
            freezes.where(Freeze.wallet_id == owner.wallet_id).order_by(Freeze.id),
        ),
    ]
