"""Pieces of a film that is being made, each whole or not there: what a killed run finished, the next one need not."""

import shutil
from collections.abc import Callable
from pathlib import Path

from store.gateways.on_disk import write_out


def made_once(piece: Path, make: Callable[[Path], None]) -> Path:
    """The folder `piece`; `make` fills it unless an earlier run did. It has its name only when all of it is on disk."""
    if not piece.exists():
        unfinished = piece.with_name(f"unfinished-{piece.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished)
        write_out(unfinished)
        unfinished.rename(piece)
    return piece
