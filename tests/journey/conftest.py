"""The demo as `make demo` serves it, and a real browser."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import FLAGS, require
from tests.checkout.own_sandbox import free_port


@pytest.fixture(scope="module")
def shop_url() -> str:
    """Under which address the demo is asked for; a module may want another name for it."""
    return "http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, shop_url: str) -> Iterator[str]:
    """The address of a running demo, which must leave no process behind when it is told to stop."""
    port = free_port()
    address = shop_url.format(port=port)
    process = subprocess.Popen(
        [sys.executable, "-m", "store.demo.serve"],
        env={
            **os.environ,
            "PORT": str(port),
            "SHOP_URL": address,
            "SANDBOX_PORT": str(free_port()),
            "INSTANCE_PATH": str(tmp_path_factory.mktemp("demo")),
        },
        start_new_session=True,
    )
    _wait_until_up(address, process)
    yield address
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=20) == 0
    left = subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True, text=True, check=False)
    assert left.stdout == "", "the demo left processes behind"


def _wait_until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "the demo ended at its start"
        try:
            with urlopen(f"{address}/sante", timeout=5):
                return
        except (URLError, OSError):
            continue


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright’s driver, for one module: its event loop would be in the way of other tests."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless Chromium of the system's."""
    browser = playwright.chromium.launch(executable_path=require(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go; JOURNEY_PICTURES names a folder to keep them in."""
    folder = Path(os.environ.get("JOURNEY_PICTURES") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
