"""Packages the films that the repository holds packaged, so that a new demo can play something at once.

A tool for whoever changes the demo's films, never run by the shop: `python -m store.demo.package_masters [SLUG …]` puts
`store/demo/packaged/<slug>/<recipe>/` in place of the folder that was there. Run it after `store.demo.draw_masters`.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from store.demo.seed import PACKAGED, delivery_of
from store.media.delivery import recipe_of
from store.media.package import inspect, package

SHIPPED = ("la-sociale", "les-jours-heureux", "afrique-50")
PRESET = "veryslow"  # smaller than the shop's own preset makes it: these folders weigh on every checkout


def main(slugs: list[str]) -> None:
    """Package the films named, or all that are shipped."""
    for slug in slugs or SHIPPED:
        folder = package_master(slug)
        weight = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{slug}/{folder.name}  {weight / 1000:.0f} kB", flush=True)


def package_master(slug: str) -> Path:
    """The packaged folder of a film's present master, made unless it is there; older ones of the film are removed.

    Raises what `store.media.package` raises, and then leaves the old folder alone.
    """
    delivery = delivery_of(slug)
    folder = PACKAGED / slug / recipe_of(delivery)
    if not folder.exists():
        with tempfile.TemporaryDirectory() as scratch:
            made = package(inspect(delivery), Path(scratch), lambda step, fraction: None, PRESET)
            shutil.rmtree(folder.parent, ignore_errors=True)
            shutil.copytree(made.folder, folder)
    return folder


if __name__ == "__main__":
    main(sys.argv[1:])
