"""Having files on the disk itself before anything depends on their being there: a power cut must not leave holes."""

import os
from pathlib import Path


def write_out(folder: Path) -> None:
    """Have everything in a folder on the disk, and the folder."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
