"""The player in Chromium, from the press of play to the first frame, beside a bare hls.js page on the same film; then seeking."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench import Verdict, at_most, row
from bench.shop import Environ, served
from config import ROOT
from store.demo.seed import MASTERS, PASSWORD, SPECTATRICE
from store.gateways.video_tools import tool
from tests.browser import FLAGS, require

FILM = "la-sociale"
TIMES_OVER = 3
"""How often the demo's master is repeated, so that not all of it is buffered when one seeks."""

FAR_S = 61.3
ROUNDS = 7
MOST_OF_BARE = 1.5
LONGEST_SEEK_MS = 500

WAIT_FOR_FRAME = "() => new Promise(done => document.querySelector('video').requestVideoFrameCallback(() => done(performance.now())))"
FIRST_FRAME_MS = f"""async button => {{
    const began = performance.now()
    document.querySelector(button).click()
    return await ({WAIT_FOR_FRAME})() - began
}}"""
SEEK_MS = """target => new Promise(done => {
    const video = document.querySelector("video")
    const began = performance.now()
    const look = (now, { mediaTime }) => {
        if (mediaTime >= target - 0.1 && !video.seeking) return done(performance.now() - began)
        video.requestVideoFrameCallback(look)
    }
    video.requestVideoFrameCallback(look)
    video.currentTime = target
})"""

GO_BACK = """() => new Promise(done => {
    const video = document.querySelector("video")
    video.addEventListener("seeked", () => done(video.pause()), { once: true })
    video.currentTime = 0
})"""
"""To the beginning, and stop there: pausing tells the shop, so that the next round begins there, too."""

BARE_PAGE = """<!doctype html><title>bare</title><video style="width: 100%"></video><button>play</button>
<script type="module">
document.querySelector("button").addEventListener("click", async () => {
    const { default: Hls } = await import("ENGINE")
    const video = document.querySelector("video"), hls = new Hls()
    hls.loadSource("MANIFEST")
    hls.attachMedia(video)
    await video.play()
})
</script>"""

Opened = tuple[Page, str]
"""A page in a browser that has fetched nothing before, and its button."""


def measure_player(environ: Environ) -> list[Verdict]:
    """Print a row for the first frame and one for each kind of seek."""
    lay_film(environ)
    with _shop(environ) as address, _chromium() as browser:
        state = _buy(browser, address)
        row("player", "ours ms", "bare ms", "ratio", "worst ms")
        sides = partial(_opened, browser, address, state), partial(_opened_bare, browser, address, state)
        rounds = [[_first_frame_and_seeks(side) for side in sides] for _ in range(ROUNDS)]
        kinds = ("first frame", "seek to what is not there yet", "seek to what is there")
        figures = [_figures(kind, [(ours[at], bare[at]) for ours, bare in rounds]) for at, kind in enumerate(kinds)]
    return [
        at_most("first frame / a bare hls.js page", figures[0][1], MOST_OF_BARE),
        at_most("seek to playing, ms", max(figures[1][0], figures[2][0]), LONGEST_SEEK_MS),
    ]


def lay_film(environ: Environ) -> None:
    """The film from a longer master, by the shop's own command."""
    with TemporaryDirectory() as folder:
        master = Path(folder) / "master.mp4"
        loop = [tool("ffmpeg"), "-v", "error", "-stream_loop", str(TIMES_OVER - 1), "-i", str(MASTERS / f"{FILM}.mp4")]
        subprocess.run([*loop, "-c", "copy", str(master)], check=True)
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "films", "ingest", FILM, str(master)]
        subprocess.run(command, check=True, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)


@contextmanager
def _shop(environ: Environ) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with served("wsgi:app", {**environ, "SHOP_URL": address}, port):
        yield address


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require(), args=FLAGS)
        yield browser
        browser.close()


def _buy(browser: Browser, address: str) -> str:
    """The cookies of somebody who signed in and bought the film."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/connexion?next=/films/{FILM}")
        page.locator("input[name=email]").fill(SPECTATRICE.email)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("main form [type=submit], main form button").first.click()
        page.locator("main form[action$='/acheter'] button").click()
        page.locator("[data-play]").wait_for()
        return context.storage_state()


@contextmanager
def _opened(browser: Browser, address: str, state: str) -> Iterator[Opened]:
    with _fresh(browser, state) as context:
        yield _player_page(context, address), "[data-play]"


@contextmanager
def _opened_bare(browser: Browser, address: str, state: str) -> Iterator[Opened]:
    with _fresh(browser, state) as context:
        watch = _player_page(context, address).locator("[data-watch]")
        csrf, start, engine = (watch.get_attribute(f"data-{name}") for name in ("csrf", "start", "engine"))
        answer = context.request.post(f"{address}{start}", form={"csrf_token": csrf}, headers={"Origin": address})
        body = BARE_PAGE.replace("ENGINE", engine).replace("MANIFEST", answer.json()["manifest"])
        page = context.new_page()
        page.route("**/bare", lambda route: route.fulfill(body=body, content_type="text/html"))
        page.goto(f"{address}/bare")
        yield page, "button"


@contextmanager
def _fresh(browser: Browser, state: str) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1280, "height": 900}, storage_state=state) as context:
        yield context


def _player_page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/films/{FILM}/voir")
    return page


def _first_frame_and_seeks(opened: Callable[[], Opened]) -> list[float]:
    """Milliseconds to the first frame, to one far ahead, and to one near by."""
    with opened() as (page, button):
        first = page.evaluate(FIRST_FRAME_MS, button)
        seeks = [page.evaluate(SEEK_MS, FAR_S), page.evaluate(SEEK_MS, FAR_S + 3)]
        page.evaluate(GO_BACK)
        page.wait_for_load_state("networkidle")
        return [first, *seeks]


def _figures(kind: str, pairs: list[tuple[float, float]]) -> tuple[float, float]:
    """Our median in ms and the median ratio, once printed."""
    ours, bare = (median(side) for side in zip(*pairs, strict=True))
    ratio = median(mine / theirs for mine, theirs in pairs)
    row(kind, f"{ours:.0f}", f"{bare:.0f}", f"{ratio:.2f}", f"{max(mine for mine, _ in pairs):.0f}")
    return ours, ratio
