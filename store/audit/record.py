"""The audit log's one writer."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from store.audit.models import AuditEntry, Facts


def record(session: Session, *, actor: int | None, act: str, subject: str, facts: Facts, at: datetime) -> None:
    """Note who did what, in the transaction that did it.

    `actor` is a customer's id, None for the shell and the shop itself; `act` is such as `role.granted`, `subject` such as
    `customer:3`.
    """
    session.execute(insert(AuditEntry).values(at=at, actor=actor, act=act, subject=subject, facts=dict(facts)))
