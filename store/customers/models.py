"""Tables of customers, their sessions, and what opens their accounts."""

from dataclasses import dataclass
from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, true
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity

STAFF = "staff"
"""The role of who works here; customers have none."""

NO_PASSWORD = ""
"""The digest of who has none, and comes in by passkey: no password matches it."""

CLOSED = "!"
"""The digest of who closed the account: no password matches it, and none can be chosen any more."""


class Customer(Base):
    """A person with an account; `email` is normalised, so that one address is one customer.

    `language` (`fr`, `en`) is the one in which they are written to.
    `country` is where they say they live: None for the shop's. `pin_hash` is of the code that opens films for adults.
    `keeps_history_since` is when they asked that we remember which films they saw: None, we do not.
    `wants_reminders`: letters about offered credit that ends. Of whom was erased `email` and `name` are a pseudonym.
    `password_hash` is empty (NO_PASSWORD) for who comes in by passkey alone. `confirmed_at` is when they showed that letters
    to the address reach them: None, they have not yet.
    """

    __tablename__ = "customer"
    __table_args__ = (CheckConstraint("language IN ('fr', 'en')", name="language"),)

    id: Mapped[Identity]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str]
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallet.id"), unique=True)
    role: Mapped[str | None]
    joined_at: Mapped[datetime]
    language: Mapped[str] = mapped_column(server_default="fr")
    country: Mapped[str | None]
    pin_hash: Mapped[str | None]
    keeps_history_since: Mapped[datetime | None]
    wants_reminders: Mapped[bool] = mapped_column(server_default=true())
    confirmed_at: Mapped[datetime | None]


class CustomerSession(Base):
    """A signed-in browser. The cookie carries the id; only its digest lies here, so that a copy of the table opens nothing.

    `device_id` is of the device that asked to stay signed in. `proved_at` is when this browser last showed a password or a
    passkey, `second_factor_at` when a member of the staff last showed the second factor in it.
    """

    __tablename__ = "customer_session"

    digest: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    user_agent: Mapped[str]
    pin_entered_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]
    second_factor_at: Mapped[datetime | None]
    device_id: Mapped[int | None] = mapped_column(ForeignKey("remembered_device.id"), index=True)


class RememberedDevice(Base):
    """A browser that asked to stay signed in. A cookie of its own names it; only the digest lies here."""

    __tablename__ = "remembered_device"

    id: Mapped[Identity]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    digest: Mapped[str] = mapped_column(unique=True)
    user_agent: Mapped[str]
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class AccountLink(Base):
    """A link that was mailed and does one thing once: only its token's digest lies here.

    `email` is the address that it is about; `stamp` marks the password that was good as it was made (`passwords.stamp`).
    """

    __tablename__ = "account_link"
    __table_args__ = (CheckConstraint("purpose IN ('password', 'confirm', 'address', 'undo')", name="purpose"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    email: Mapped[str]
    stamp: Mapped[str]
    expires_at: Mapped[datetime]


class Passkey(Base):
    """A passkey: what it is called by its authenticator (`credential_id`, base64url) and by its owner (`name`)."""

    __tablename__ = "passkey"

    id: Mapped[Identity]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    credential_id: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int]
    user_handle: Mapped[str]
    name: Mapped[str]
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """A challenge that waits for its one answer. `user_handle` is the owner's for a passkey to be made, else empty."""

    __tablename__ = "passkey_challenge"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_handle: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SecondFactor(Base):
    """The secret that an app on somebody's telephone makes codes of, sealed; `last_step` is that of the last code taken."""

    __tablename__ = "second_factor"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True, autoincrement=False)
    sealed_secret: Mapped[str]
    last_step: Mapped[int]
    made_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code for who lost the telephone: only its digest lies here, and it opens once."""

    __tablename__ = "recovery_code"

    digest: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    used_at: Mapped[datetime | None]


@dataclass
class SignedIn(UserMixin):
    """Who makes this request: what every page needs of a customer, read in one query with the session."""

    session_id: str
    session_digest: str
    customer_id: int
    name: str
    email: str
    wallet_id: int
    role: str | None
    country: str | None
    confirmed_at: datetime | None
    began_at: datetime
    seen_at: datetime
    pin_entered_at: datetime | None
    proved_at: datetime | None
    second_factor_at: datetime | None
    device_id: int | None

    @property
    def is_staff(self) -> bool:
        """Whether they work here."""
        return self.role == STAFF

    def get_id(self) -> str:
        """Flask-Login keeps this in the browser's cookie: the session's id, not the customer's."""
        return self.session_id
