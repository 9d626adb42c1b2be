"""A customer takes their data with them, or has it erased: archives, erasures, and receipts that may forget their buyer.

Forward on live data: two new tables, and the guard of receipts lets one change through, the buyer's name and address giving way to
a pseudonym. Of Stripe's events that are kept already only what says nothing of people stays, as of those that come from now on;
the release before goes on storing whole ones until it is stopped, so that `privacy/erase.py` looks for those.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0022"

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, change the guard, forget people in events."""
    op.create_table(
        "own_archive",
        sa.Column("customer_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("steps_done", INTEGER, nullable=False),
        sa.Column("steps", INTEGER, nullable=False),
        sa.Column("ready_at", INSTANT),
        sa.Column("content", sa.LargeBinary),
        sa.CheckConstraint("(ready_at IS NULL) = (content IS NULL)", name="ck_own_archive_ready_with_content"),
        sa.PrimaryKeyConstraint("customer_id", name="pk_own_archive"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_own_archive_customer_id_customer"),
    )
    op.create_index("ix_own_archive_ready_at", "own_archive", ["ready_at"])
    op.create_table(
        "erasure",
        sa.Column("customer_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("erased_at", INSTANT),
        sa.PrimaryKeyConstraint("customer_id", name="pk_erasure"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_erasure_customer_id_customer"),
    )
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(sa.text(statement))
    _forget_people_in_events()


def _forget_people_in_events() -> None:
    events = sa.table("webhook_event", sa.column("id", sa.String), sa.column("body", sa.JSON))
    last_id = ""
    while True:
        batch = sa.select(events.c.id, events.c.body).where(events.c.id > last_id).order_by(events.c.id).limit(500)
        rows = op.get_bind().execute(batch).all()
        for row in rows:
            kept = {"body": _without_people(row.body)}
            op.get_bind().execute(sa.update(events).where(events.c.id == row.id).values(kept))
        if not rows:
            return
        last_id = rows[-1].id


def _without_people(event: dict[str, Any]) -> dict[str, Any]:
    about = event.get("data", {}).get("object", {})
    kept = {name: about[name] for name in OF_THE_OBJECT if name in about}
    return {name: event[name] for name in OF_THE_EVENT if name in event} | {"data": {"object": kept}}


OF_THE_EVENT = ("id", "type", "created", "livemode", "api_version")
OF_THE_OBJECT = (
    *("id", "object", "status", "payment_status", "mode", "amount", "amount_total", "amount_refunded", "currency"),
    *("payment_intent", "charge", "client_reference_id", "metadata", "reason", "failure_reason", "created"),
)

KEPT = (
    "id, series, year, number, reference, customer_id, order_id, corrects_id, issued_at, total_cents, currency, vat_mode,"
    " vat_percent, vat_cents, lines, terms_version, seller_name, seller_imprint"
)
FORGETS_ITS_BUYER = "NEW.buyer_name = 'customer:' || OLD.customer_id AND NEW.buyer_email = ''"

SQLITE = (
    "DROP TRIGGER receipt_is_never_changed",
    f"""
    CREATE TRIGGER receipt_is_never_changed BEFORE UPDATE OF {KEPT} ON receipt
    BEGIN SELECT RAISE(ABORT, 'a receipt is never changed'); END
    """,
    f"""
    CREATE TRIGGER receipt_may_forget_its_buyer BEFORE UPDATE OF buyer_name, buyer_email ON receipt
    WHEN NOT ({FORGETS_ITS_BUYER}) BEGIN SELECT RAISE(ABORT, 'a receipt is never changed'); END
    """,
)

POSTGRESQL = (
    "DROP TRIGGER receipt_is_never_changed ON receipt",
    f"""
    CREATE TRIGGER receipt_is_never_changed BEFORE UPDATE OF {KEPT} ON receipt
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    f"""
    CREATE TRIGGER receipt_may_forget_its_buyer BEFORE UPDATE OF buyer_name, buyer_email ON receipt
    FOR EACH ROW WHEN (NOT ({FORGETS_ITS_BUYER})) EXECUTE FUNCTION refuse_change()
    """,
)
