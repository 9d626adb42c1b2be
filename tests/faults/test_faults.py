"""Restarts under load lose no request, on the deployed set-up. All other faults: `python -m tests.soak --part faults`."""

from pathlib import Path

from tests.faults.deployed import deployed
from tests.faults.faults import happens, restarts
from tests.soak.shops import engine_of


def test_nobody_sees_a_restart(tmp_path: Path) -> None:
    with engine_of("sqlite") as engine, deployed(engine, tmp_path / "deployed") as shop:
        assert happens(restarts, shop) == []
