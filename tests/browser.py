"""The browser of the tests: a Chromium of the system's; `python -m tests.browser` sees to it that there is one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
HINT = "No Chromium or Chrome was found: install one (Debian: apt-get install chromium), then run this again."


def find() -> str | None:
    """The path of a browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None) or next(filter(os.path.exists, PLACES), None)


def require() -> str:
    """The path of a browser; without one the tests fail, they do not skip."""
    path = find()
    assert path, HINT
    return path


def main() -> None:
    """Install Debian's Chromium where this user may."""
    if find():
        return
    if os.geteuid() == 0 and Path("/usr/bin/apt-get").exists():
        print("  … Chromium, for the tests that need a browser", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, **quiet)
    if not find():
        sys.exit(HINT)


if __name__ == "__main__":
    main()
