"""The connection to PostgreSQL: gone, it is noticed without asking the server, and made anew."""

import pytest
from flask import Flask
from sqlalchemy import text

from store.db import db
from tests.conftest import execute_on

ENDED = "SELECT pg_terminate_backend({pid}, 5000)"  # waits until it is


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_connection_that_was_ended_is_replaced_before_it_is_used(app: Flask, postgresql_server: str) -> None:
    with app.app_context():
        for _ in range(3):
            with db.engine.connect() as connection:
                pid = connection.scalar(text("SELECT pg_backend_pid()"))
            execute_on(postgresql_server, ENDED.format(pid=pid))
            with db.engine.connect() as connection:
                assert connection.scalar(text("SELECT pg_backend_pid()")) != pid
