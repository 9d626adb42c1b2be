"""How a room describes what it holds of a customer: one table of their archive at a time, made of columns of its own tables."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select


@dataclass(frozen=True)
class Owner:
    """Whose data it is; `email` as we keep it."""

    customer_id: int
    wallet_id: int
    email: str


@dataclass(frozen=True)
class OwnTable:
    """A table of the archive: its file's name, what it is called, and the rows that it holds.

    The rows' columns are columns of the room's tables, so that a test can tell which of them no archive holds. No secret is
    among them: no digest, no code, no token.
    """

    name: str
    title: str
    rows: Select[*tuple[Any, ...]]
