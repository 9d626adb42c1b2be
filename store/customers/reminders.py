"""Letters that nobody must get: reminders of offered credit that ends. Every one says how to get no more."""

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from store.customers.models import Customer


def wanted(session: Session, customer_id: int) -> bool:
    """Whether the customer gets them."""
    return session.scalars(select(Customer.wants_reminders).where(Customer.id == customer_id)).one()


def choose(session: Session, customer_id: int, *, wanted: bool) -> None:
    """Get them from now on, or not."""
    session.execute(update(Customer).where(Customer.id == customer_id).values(wants_reminders=wanted))


def token_of(secret: str, customer_id: int) -> str:
    """What stands in the address of the button that ends them, which nobody else can write. It opens nothing else."""
    return str(_serializer(secret).dumps(customer_id))


def read(secret: str, token: str) -> int | None:
    """Whose token it is; None for what is none."""
    try:
        customer_id = _serializer(secret).loads(token)
    except BadSignature:
        return None
    return customer_id if isinstance(customer_id, int) else None


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="customers: no more reminders")
