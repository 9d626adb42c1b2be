"""The shop opens: its tables.

Constraint names follow the naming convention of `store.db.Base`; they are written out, since a migration imports no model.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "collection",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("title_fr", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("lead_fr", sa.String(), nullable=False),
        sa.Column("lead_en", sa.String(), nullable=False),
        sa.Column("intro_fr", sa.String(), nullable=False),
        sa.Column("intro_en", sa.String(), nullable=False),
        sa.Column("more_fr", sa.String(), nullable=False),
        sa.Column("more_en", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('director', 'theme', 'festival')", name="ck_collection_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_collection"),
        sa.UniqueConstraint("slug", name="uq_collection_slug"),
    )
    op.create_table(
        "denomination",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("price_cents", INTEGER, nullable=False),
        sa.Column("credit_cents", INTEGER, nullable=False),
        sa.Column("on_sale", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "price_cents > 0 AND credit_cents >= price_cents", name="ck_denomination_credit_covers_price"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_denomination"),
        sa.UniqueConstraint("code", name="uq_denomination_code"),
    )
    op.create_table(
        "film",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("year", INTEGER, nullable=False),
        sa.Column("minutes", INTEGER, nullable=False),
        sa.Column("countries", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("age", INTEGER, nullable=False),
        sa.Column("visa", sa.String(), nullable=True),
        sa.Column("released_on", sa.Date(), nullable=True),
        sa.Column("tagline_fr", sa.String(), nullable=False),
        sa.Column("tagline_en", sa.String(), nullable=False),
        sa.Column("synopsis_fr", sa.String(), nullable=False),
        sa.Column("synopsis_en", sa.String(), nullable=False),
        sa.Column("rent_cents", INTEGER, nullable=True),
        sa.Column("buy_cents", INTEGER, nullable=True),
        sa.Column("recipe", sa.String(), nullable=True),
        sa.Column("subtitles", sa.JSON(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes > 0", name="ck_film_minutes_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_film"),
        sa.UniqueConstraint("slug", name="uq_film_slug"),
    )
    op.create_index("ix_film_added_at", "film", ["added_at"], unique=False)
    op.create_index("ix_film_year", "film", ["year"], unique=False)
    op.create_table(
        "home_page",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_home_page"),
    )
    op.create_table(
        "job",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=True),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_due", "job", ["done_at", "lane", "run_at"], unique=False)
    op.create_table(
        "journal",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sa.UniqueConstraint("idempotency_key", name="uq_journal_idempotency_key"),
    )
    op.create_index("ix_journal_at", "journal", ["at"], unique=False)
    op.create_index("ix_journal_reference", "journal", ["reference"], unique=False)
    op.create_table(
        "ledger_account",
        sa.Column("code", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_ledger_account"),
    )
    op.create_table(
        "person",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("slug", name="uq_person_slug"),
    )
    op.create_table(
        "theme",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name_fr", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_theme"),
        sa.UniqueConstraint("slug", name="uq_theme_slug"),
    )
    op.create_table(
        "wallet",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wallet"),
    )
    op.create_table(
        "webhook_event",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_event"),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_table(
        "collection_film",
        sa.Column("collection_id", INTEGER, nullable=False),
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_collection_film_collection_id_collection"
        ),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_collection_film_film_id_film"),
        sa.PrimaryKeyConstraint("collection_id", "film_id", name="pk_collection_film"),
    )
    op.create_index("ix_collection_film_film_id", "collection_film", ["film_id"], unique=False)
    op.create_table(
        "customer",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("wallet_id", INTEGER, nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name="fk_customer_wallet_id_wallet"),
        sa.PrimaryKeyConstraint("id", name="pk_customer"),
        sa.UniqueConstraint("email", name="uq_customer_email"),
        sa.UniqueConstraint("wallet_id", name="uq_customer_wallet_id"),
    )
    op.create_table(
        "film_director",
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("person_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_film_director_film_id_film"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_film_director_person_id_person"),
        sa.PrimaryKeyConstraint("film_id", "person_id", name="pk_film_director"),
    )
    op.create_index("ix_film_director_person_id", "film_director", ["person_id"], unique=False)
    op.create_table(
        "film_theme",
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("theme_id", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_film_theme_film_id_film"),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name="fk_film_theme_theme_id_theme"),
        sa.PrimaryKeyConstraint("film_id", "theme_id", name="pk_film_theme"),
    )
    op.create_index("ix_film_theme_theme_id", "film_theme", ["theme_id"], unique=False)
    op.create_table(
        "lot",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("wallet_id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("initial", INTEGER, nullable=False),
        sa.Column("remaining", INTEGER, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('paid', 'bonus')", name="ck_lot_kind"),
        sa.CheckConstraint("initial > 0", name="ck_lot_initial_positive"),
        sa.CheckConstraint("remaining >= 0 AND remaining <= initial", name="ck_lot_remaining_within_initial"),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name="fk_lot_wallet_id_wallet"),
        sa.PrimaryKeyConstraint("id", name="pk_lot"),
    )
    op.create_index("ix_lot_spendable", "lot", ["wallet_id", "expires_at", "id"], unique=False)
    op.create_table(
        "packaging",
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("master", sa.String(), nullable=False),
        sa.Column("subtitles", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("recipe", sa.String(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'running', 'published', 'failed')", name="ck_packaging_state"),
        sa.CheckConstraint("fraction >= 0 AND fraction <= 1", name="ck_packaging_fraction"),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_packaging_film_id_film"),
        sa.PrimaryKeyConstraint("film_id", name="pk_packaging"),
    )
    op.create_table(
        "prepaid_card",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("wallet_id", INTEGER, nullable=False),
        sa.Column("price_cents", INTEGER, nullable=False),
        sa.Column("credit_cents", INTEGER, nullable=False),
        sa.Column("last4", sa.String(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["wallet_id"], ["wallet.id"], name="fk_prepaid_card_wallet_id_wallet"),
        sa.PrimaryKeyConstraint("id", name="pk_prepaid_card"),
        sa.UniqueConstraint("reference", name="uq_prepaid_card_reference"),
    )
    op.create_index("ix_prepaid_card_wallet_id", "prepaid_card", ["wallet_id"], unique=False)
    op.create_table(
        "card_order",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("form_key", sa.String(), nullable=True),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("price_cents", INTEGER, nullable=False),
        sa.Column("credit_cents", INTEGER, nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("film_slug", sa.String(), nullable=True),
        sa.Column("terms_version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stripe_session_id", sa.String(), nullable=True),
        sa.Column("stripe_payment_intent_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'paid', 'lapsed')", name="ck_card_order_state"),
        sa.CheckConstraint("price_cents > 0 AND credit_cents >= price_cents", name="ck_card_order_credit_covers_price"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_card_order_customer_id_customer"),
        sa.PrimaryKeyConstraint("id", name="pk_card_order"),
        sa.UniqueConstraint("form_key", name="uq_card_order_form_key"),
        sa.UniqueConstraint("key", name="uq_card_order_key"),
        sa.UniqueConstraint("stripe_payment_intent_id", name="uq_card_order_stripe_payment_intent_id"),
        sa.UniqueConstraint("stripe_session_id", name="uq_card_order_stripe_session_id"),
    )
    op.create_index("ix_card_order_created_at", "card_order", ["created_at"], unique=False)
    op.create_index("ix_card_order_customer_id", "card_order", ["customer_id"], unique=False)
    op.create_table(
        "customer_session",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_customer_session_customer_id_customer"),
        sa.PrimaryKeyConstraint("digest", name="pk_customer_session"),
    )
    op.create_index("ix_customer_session_customer_id", "customer_session", ["customer_id"], unique=False)
    op.create_table(
        "entitlement",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("film_id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("price_cents", INTEGER, nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begin_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_version", sa.String(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position_s", INTEGER, nullable=False),
        sa.Column("position_sequence", INTEGER, nullable=False),
        sa.CheckConstraint(
            "kind = 'rental' OR (begin_before IS NULL AND ends_at IS NULL)", name="ck_entitlement_purchase_has_no_end"
        ),
        sa.CheckConstraint("kind IN ('rental', 'purchase')", name="ck_entitlement_kind"),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_entitlement_customer_id_customer"),
        sa.ForeignKeyConstraint(["film_id"], ["film.id"], name="fk_entitlement_film_id_film"),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement"),
    )
    op.create_index("ix_entitlement_film_id", "entitlement", ["film_id"], unique=False)
    op.create_index("ix_entitlement_holder", "entitlement", ["customer_id", "film_id"], unique=False)
    op.create_table(
        "posting",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("journal_id", INTEGER, nullable=False),
        sa.Column("debit_account", sa.String(), nullable=False),
        sa.Column("credit_account", sa.String(), nullable=False),
        sa.Column("amount", INTEGER, nullable=False),
        sa.Column("lot_id", INTEGER, nullable=True),
        sa.CheckConstraint("amount > 0 AND amount = CAST(amount AS BIGINT)", name="ck_posting_amount_positive_integer"),
        sa.CheckConstraint("debit_account <> credit_account", name="ck_posting_two_accounts"),
        sa.ForeignKeyConstraint(
            ["credit_account"], ["ledger_account.code"], name="fk_posting_credit_account_ledger_account"
        ),
        sa.ForeignKeyConstraint(
            ["debit_account"], ["ledger_account.code"], name="fk_posting_debit_account_ledger_account"
        ),
        sa.ForeignKeyConstraint(["journal_id"], ["journal.id"], name="fk_posting_journal_id_journal"),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name="fk_posting_lot_id_lot"),
        sa.PrimaryKeyConstraint("id", name="pk_posting"),
    )
    op.create_index("ix_posting_journal_id", "posting", ["journal_id"], unique=False)
    op.create_index("ix_posting_lot_id", "posting", ["lot_id"], unique=False)
    op.create_table(
        "lease",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_id", INTEGER, nullable=False),
        sa.Column("entitlement_id", INTEGER, nullable=False),
        sa.Column("session_digest", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("recipe", sa.String(), server_default="", nullable=False),
        sa.Column("sequence", INTEGER, server_default="0", nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name="fk_lease_customer_id_customer"),
        sa.ForeignKeyConstraint(["entitlement_id"], ["entitlement.id"], name="fk_lease_entitlement_id_entitlement"),
        sa.PrimaryKeyConstraint("id", name="pk_lease"),
    )
    op.create_index("ix_lease_customer_id", "lease", ["customer_id"], unique=False)
    op.create_index("ix_lease_entitlement_id", "lease", ["entitlement_id"], unique=False)
