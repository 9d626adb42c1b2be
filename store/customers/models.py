"""Tables of customers and their sessions."""

from dataclasses import dataclass
from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, true
from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base, Identity

STAFF = "staff"
"""The role of who works here; customers have none."""


class Customer(Base):
    """A person with an account; `email` is normalised, so that one address is one customer.

    `language` (`fr`, `en`) is the one in which they are written to.
    `country` is where they say they live: None for the shop's. `pin_hash` is of the code that opens films for adults.
    `keeps_history_since` is when they asked that we remember which films they saw: None, we do not.
    `wants_reminders`: letters about offered credit that ends. Of whom was erased `email` and `name` are a pseudonym.
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


class CustomerSession(Base):
    """A signed-in browser. The cookie carries the id; only its digest lies here, so that a copy of the table opens nothing."""

    __tablename__ = "customer_session"

    digest: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    user_agent: Mapped[str]
    pin_entered_at: Mapped[datetime | None]


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
    seen_at: datetime
    pin_entered_at: datetime | None

    @property
    def is_staff(self) -> bool:
        """Whether they work here."""
        return self.role == STAFF

    def get_id(self) -> str:
        """Flask-Login keeps this in the browser's cookie: the session's id, not the customer's."""
        return self.session_id
