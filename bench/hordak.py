"""django-hordak's spend: look at the balance, then `transfer_to`, in one atomic block with the account's row locked."""

import itertools
import os
from collections.abc import Sequence

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from sqlalchemy import make_url

from bench.clients import Client
from bench.spends import CUSTOMERS, PRICE_CENTS

CREDIT = 10**9


def lay_accounts(url: str) -> list[int]:
    """Its tables, and a liability for each customer with credit in it; returns their ids."""
    _open_django(url)
    from hordak.models import Account
    from moneyed import Money

    call_command("migrate", verbosity=0)
    euros = {"currencies": ["EUR"]}
    bank = Account.objects.create(name="bank", type=Account.TYPES.asset, **euros)
    Account.objects.create(name="sales", type=Account.TYPES.income, **euros)
    customers = [
        Account.objects.create(name=f"customer {serial}", type=Account.TYPES.liability, **euros)
        for serial in range(CUSTOMERS)
    ]
    for customer in customers:
        customer.transfer_to(bank, Money(CREDIT, "EUR"))
    return [customer.pk for customer in customers]


def transferring(url: str, customer_ids: Sequence[int]) -> Client:
    """Spends from one customer after the other, beginning with another one in each process."""
    _open_django(url)
    from hordak.models import Account
    from hordak.utilities.currency import Balance
    from moneyed import Money

    first = os.getpid() % len(customer_ids)
    turns = itertools.cycle([*customer_ids[first:], *customer_ids[:first]])
    sales = Account.objects.get(name="sales")
    price = Money(f"{PRICE_CENTS / 100:.2f}", "EUR")

    def act() -> bool:
        with transaction.atomic():
            customer = Account.objects.select_for_update().get(pk=next(turns))
            if customer.get_simple_balance() < Balance([price]):
                return False
            sales.transfer_to(customer, price)  # credits the one, debits the other
        return True

    return Client(act)


def _open_django(url: str) -> None:
    if settings.configured:
        return
    address = make_url(url)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address.database,
                "USER": address.username,
                "HOST": address.query.get("host", address.host),
                "PORT": address.port or "",
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "mptt", "djmoney", "hordak"],
        USE_TZ=True,
    )
    django.setup()
