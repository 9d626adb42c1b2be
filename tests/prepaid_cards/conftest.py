"""What the tests of prepaid cards share."""

import pytest
from flask import Flask

from tests.prepaid_cards.counter import Counter


@pytest.fixture
def counter(app: Flask) -> Counter:
    """Ways to issue, sell and redeem cards."""
    return Counter(app)
