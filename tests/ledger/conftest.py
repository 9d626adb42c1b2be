"""What the tests of the ledger share."""

import pytest
from flask import Flask

from tests.ledger.acts import Books


@pytest.fixture
def books(app: Flask) -> Books:
    """The shop's ledger, and ways to write into it."""
    return Books(app)
