"""The player in a real browser, on a film that the shop packaged: what one sees, presses, reads and hears of it."""

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from store.gateways.encode_picture import SEGMENT_S
from tests.browser import FLAGS, require
from tests.journey.test_journey import SCREENS, WALKED
from tests.playback.cinema import DURATION_S, SPRITE, open_cinema
from tests.playback.theatre import SLUG
from tests.shop import PASSWORD

HEAVIEST_SCRIPT_BYTES = 220_000
MOST_OFF_S = 10
PAGE = f"/films/{SLUG}/voir"

VIOLATIONS = """
window.violations = []
addEventListener("securitypolicyviolation", event => violations.push(`${event.violatedDirective}: ${event.blockedURI}`))
"""

SHOWN_TEXT = """video => [...video.textTracks].filter(track => track.mode === "showing")
    .flatMap(track => [...track.activeCues]).map(cue => cue.text).join(" ")"""


class Seat:
    """A visitor before the player page, who hears every complaint of the browser."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        context.set_default_timeout(15_000)
        context.add_init_script(VIOLATIONS)
        self.address = address
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(urlsplit(request.url).path))
        self.page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address + PAGE)

    @property
    def video(self):
        return self.page.locator("video")

    def play(self, at: float = 0) -> None:
        """Press the button, wait for the picture to move, and go to this second."""
        self.page.locator("[data-play]").click()
        self.until("video.readyState > 2 && video.played.length")
        self.seek(at)

    def leave(self, at: float) -> None:
        """Play up to this second, let the shop know, and open the page anew."""
        self.play(at)
        with self.page.expect_response(re.compile("/lecture/")):
            self.video.evaluate("video => video.pause()")
        self.page.reload()

    def until(self, condition: str) -> None:
        """Wait until this expression of `video` is true."""
        self.page.wait_for_function(f"() => {{ const video = document.querySelector('video'); return {condition} }}")

    def time(self) -> float:
        return self.video.evaluate("video => video.currentTime")

    def seek(self, seconds: float) -> None:
        self.video.evaluate("(video, seconds) => { video.currentTime = seconds }", seconds)
        self.until(f"!video.seeking && Math.abs(video.currentTime - {seconds}) < 2")

    def control(self, name: str):
        return self.page.locator(f"[data-control={name}]")

    def choose(self, choice: str, label: str) -> None:
        """Open the settings and choose."""
        settings = self.page.locator("[data-settings]")
        settings.evaluate("settings => { settings.open = true }")
        settings.get_by_role("combobox", name=choice, exact=True).select_option(label=label)

    def scripts(self) -> list[str]:
        return [path for path in self.asked if path.endswith((".js", ".mjs"))]

    def violations(self) -> list[str]:
        return self.page.evaluate("window.violations")


@pytest.fixture(scope="module")
def stage(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Browser, str, dict[str, Any]]]:
    """A browser, the address of a shop, and what keeps signed in whoever bought the film. The browser's event loop begins
    after the shop was filled: it would be in the way."""
    folder = tmp_path_factory.mktemp("cinema")
    database = folder / "shop.sqlite"
    database.write_bytes(sqlite_template.read_bytes())
    with open_cinema(folder, f"sqlite:///{database}") as app:
        address = app.config["SHOP_URL"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=require(), args=FLAGS)
            yield browser, address, signed_in(browser, address)
            browser.close()


def signed_in(browser: Browser, address: str) -> dict[str, Any]:
    """The cookies of a browser in which the film's owner signed in."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/connexion")
        page.get_by_label("Adresse e-mail").fill("jeanne@example.org")
        page.get_by_label("Mot de passe").fill(PASSWORD)
        page.locator("main").get_by_role("button", name="Se connecter").click()
        expect(page.locator("header")).to_contain_text("€")
        return context.storage_state()


@pytest.fixture
def context(stage: tuple[Browser, str, dict[str, Any]]) -> Iterator[BrowserContext]:
    browser, _, state = stage
    with browser.new_context(viewport={"width": 1280, "height": 900}, storage_state=state) as context:
        yield context


@pytest.fixture
def seat(context: BrowserContext, stage: tuple[Browser, str, dict[str, Any]]) -> Iterator[Seat]:
    """A seat in which nothing went wrong: the policy was kept, and the browser complained of nothing."""
    seat = Seat(context, stage[1])
    yield seat
    assert seat.violations() == []
    assert seat.complaints == []


def test_nothing_is_fetched_before_play_and_little_then(seat: Seat) -> None:
    assert seat.scripts() == ["/static/js/watch.js"]
    seat.play()
    fetched = sorted(re.sub("[0-9a-f]{12}", "…", path) for path in seat.scripts())
    assert fetched == ["/player-….js", "/static/js/watch.js", "/static/vendor/hls/hls.min.mjs"]
    bodies = [seat.page.request.get(seat.address + path).body() for path in seat.scripts()]
    assert sum(len(gzip.compress(body)) for body in bodies) <= HEAVIEST_SCRIPT_BYTES
    assert not [path for path in seat.asked if "/sprites/" in path]


def test_time_advances_and_one_seeks_by_the_bar(seat: Seat) -> None:
    seat.play()
    seat.until("video.currentTime > 1.5")
    box = seat.control("seek").bounding_box()
    seat.page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    seat.until("!video.seeking && video.currentTime > 18.2")
    assert seat.time() == pytest.approx(0.75 * DURATION_S, abs=1.5)


def test_subtitles_in_three_languages(seat: Seat) -> None:
    seat.play(at=14)
    seat.video.evaluate("video => video.pause()")
    for language, words in {"Français": "Accents, cédille, œ", "Anglais": "naïve", "Allemand": "Schöne Grüße"}.items():
        seat.choose("Sous-titres", language)
        seat.page.wait_for_function(
            f"words => ({SHOWN_TEXT})(document.querySelector('video')).includes(words)", arg=words
        )
    seat.choose("Leur taille", "Grande")
    seat.page.reload()
    seat.play(at=14)
    seat.page.wait_for_function(f"() => ({SHOWN_TEXT})(document.querySelector('video')).includes('Grüße')")
    expect(seat.page.locator("[data-watch]")).to_have_attribute("data-subtitle-size", "large")
    seat.control("subtitles").click()
    assert seat.video.evaluate(SHOWN_TEXT) == ""
    expect(seat.control("subtitles")).to_have_attribute("aria-pressed", "false")


def test_a_chosen_quality_is_kept(seat: Seat) -> None:
    seat.play(at=3)
    assert seat.video.evaluate("video => video.videoHeight") > 240
    seat.choose("Qualité de l’image", "240 p")
    seat.until("video.videoHeight === 240")
    seat.seek(20)
    assert seat.video.evaluate("video => video.videoHeight") == 240


def test_another_sound(seat: Seat) -> None:
    seat.play()
    expect(seat.page.locator("[data-choice=sound]")).to_have_value("fr")
    assert not [path for path in seat.asked if "/audio-fr-ad/" in path]
    seat.choose("Piste sonore", "Français, avec audiodescription")
    with seat.page.expect_response(re.compile("/audio-fr-ad/.*m4s")):
        pass
    seat.page.reload()
    seat.play()
    expect(seat.page.locator("[data-choice=sound]")).to_have_value("fr+")


FRAMES = """async ([starts, width, height]) => {
    const video = document.querySelector("video")
    const small = Object.assign(document.createElement("canvas"), {width, height}).getContext("2d", {willReadFrequently: true})
    window.frames = []
    for (const start of starts) {
        await new Promise(done => { video.addEventListener("seeked", done, {once: true}); video.currentTime = start })
        small.drawImage(video, 0, 0, width, height)
        window.frames.push(small.getImageData(0, 0, width, height).data)
    }
}"""
"""Keeps small copies of the film's own pictures at these seconds."""

LIKEST_FRAME = """([width, height]) => {
    const canvas = document.querySelector("[data-preview] canvas")
    const shown = canvas.getContext("2d").getImageData(0, 0, width, height).data
    const distances = window.frames.map(frame => frame.reduce((sum, value, index) => sum + Math.abs(value - shown[index]), 0))
    return distances.indexOf(Math.min(...distances))
}"""
"""Which of them the preview shows."""


def test_the_picture_under_the_pointer_is_of_its_place(seat: Seat) -> None:
    seat.play()
    seat.video.evaluate("video => video.pause()")
    starts = [number * SEGMENT_S + 0.02 for number in range(DURATION_S // SEGMENT_S)]
    seat.page.evaluate(FRAMES, [starts, *SPRITE])
    box = seat.control("seek").bounding_box()
    for second in (22.5, 2.5, 9.5):
        seat.page.mouse.move(box["x"] + box["width"] * second / DURATION_S, box["y"] + box["height"] / 2)
        expect(seat.page.locator("[data-preview]")).to_have_text(f"0:{int(second):02}")
        expect(seat.page.locator("[data-preview] canvas")).to_be_visible()
        seat.page.wait_for_load_state("networkidle")
        assert abs(seat.page.evaluate(LIKEST_FRAME, [*SPRITE]) - second // SEGMENT_S) <= 1
    seat.page.mouse.move(box["x"], 0)
    expect(seat.page.locator("[data-preview]")).to_be_hidden()
    assert len([path for path in seat.asked if path.endswith(".jpg") and "/sprites/" in path]) == 1


def test_a_reload_resumes_where_it_was(seat: Seat) -> None:
    seat.leave(at=13)
    seat.page.get_by_role("button", name="Reprendre à 0:1").click()
    seat.until("video.readyState > 2 && video.played.length")
    assert abs(seat.time() - 13) <= MOST_OFF_S


def test_a_session_by_keyboard_alone(seat: Seat) -> None:
    page, press = seat.page, seat.page.keyboard.press
    tab_to(page, "[data-play]")
    press("Enter")
    seat.until("video.currentTime > 0.2")
    expect(seat.control("play")).to_be_focused()
    expect(seat.control("play")).to_have_accessible_name("Pause")
    press("Space")
    seat.until("video.paused")
    expect(seat.control("play")).to_have_accessible_name("Lire")
    press("0")
    seat.until("video.currentTime === 0")
    press("ArrowRight")
    seat.until("video.currentTime === 5")
    press("5")
    seat.until(f"Math.abs(video.currentTime - {DURATION_S / 2}) < 0.1")
    expect(seat.control("seek")).to_have_attribute("aria-valuetext", "0:12 sur 0:24")
    press("ArrowDown")
    expect(page.locator("[data-said]")).to_have_text("Volume 90\u202f%")
    press("m")
    expect(seat.control("mute")).to_have_accessible_name("Remettre le son")
    press("c")
    expect(page.locator("[data-said]")).to_have_text("Sous-titres\u00a0: Français")
    press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    press("f")
    page.wait_for_function("document.fullscreenElement === null")
    press("?")
    expect(page.get_by_role("dialog", name="Touches du lecteur")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    tab_to(page, "[data-settings] summary")
    press("Enter")
    tab_to(page, "[data-choice=speed]")
    press("ArrowDown")
    assert seat.video.evaluate("video => video.playbackRate") == 1.25
    press("Escape")
    expect(page.locator("[data-settings] summary")).to_be_focused()
    press(" ")
    press("Escape")
    tab_to(page, "[data-control=full]")


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, and is seen to be."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab does not lead to {selector}")


@pytest.mark.parametrize("screen", WALKED)
def test_axe_finds_nothing(stage: tuple[Browser, str, Any], screen: str) -> None:
    browser, address, state = stage
    with browser.new_context(**SCREENS[screen], storage_state=state) as context:
        seat = Seat(context, address)
        look_at(seat, f"{screen}-1-before")
        seat.play(at=8)
        seat.page.keyboard.press("c")
        box = seat.control("seek").bounding_box()
        seat.page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
        expect(seat.page.locator("[data-preview] canvas")).to_be_visible()
        look_at(seat, f"{screen}-2-preview")
        seat.page.locator("[data-settings] summary").click()
        look_at(seat, f"{screen}-3-settings")
        seat.page.keyboard.press("Escape")
        seat.page.keyboard.press("?")
        look_at(seat, f"{screen}-4-keys")
        seat.page.keyboard.press("Escape")
        for name in ("network", "streams"):
            seat.page.locator(f"[data-message={name}]").evaluate("message => { message.hidden = false }")
        look_at(seat, f"{screen}-5-messages")


def look_at(seat: Seat, name: str) -> None:
    """Let axe look, and take a photograph for whoever sets JOURNEY_PICTURES."""
    assert complaints_of_axe(seat.page) == []
    if folder := os.environ.get("JOURNEY_PICTURES"):
        seat.page.screenshot(path=Path(folder) / f"player-{name}.png")


def complaints_of_axe(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


ANSWERS = {
    "network": ("La connexion est coupée", lambda route: route.abort()),
    "shop": ("La boutique n’envoie pas le film", lambda route: route.fulfill(status=503)),
}


@pytest.mark.parametrize("to_blame", ANSWERS)
def test_what_does_not_come_is_asked_for_again(
    context: BrowserContext, stage: tuple[Browser, str, Any], to_blame: str
) -> None:
    words, answer = ANSWERS[to_blame]
    seat = Seat(context, stage[1])
    message = seat.page.locator(f"[data-message={to_blame}]")
    later_segments = re.compile(r"/0000[3-6]\.m4s")
    seat.leave(at=0)
    seat.page.route(later_segments, answer)
    seat.play()
    with seat.page.expect_request(lambda request: "failed=" in (request.post_data or "")) as told:
        seat.video.evaluate("video => { video.currentTime = 9 }")
        expect(message).to_contain_text(words)
        expect(message).to_be_visible()
    assert re.search(r"failed=[a-z]+(-\w+)?%2F0000[3-6]\.m4s", told.value.post_data or "")
    seat.page.unroute(later_segments)
    seat.until("video.currentTime > 9.5")
    expect(message).to_be_hidden()


def test_a_player_that_cannot_be_fetched_comes_with_the_network(
    context: BrowserContext, stage: tuple[Browser, str, Any]
) -> None:
    seat = Seat(context, stage[1])
    context.set_offline(True)
    seat.page.locator("[data-play]").click()
    expect(seat.page.locator("[data-message=load]")).to_be_visible()
    expect(seat.page.locator("[data-play]")).to_be_enabled()
    context.set_offline(False)
    seat.until("video.currentTime > 0.2")
    expect(seat.page.locator("[data-message=load]")).to_be_hidden()


WITHOUT_MEDIA_SOURCE = "delete window.MediaSource; delete window.ManagedMediaSource"
WITH_AIRPLAY = """
window.WebKitPlaybackTargetAvailabilityEvent = Event
HTMLVideoElement.prototype.webkitShowPlaybackTargetPicker = () => { window.pickerShown = true }
"""


@pytest.mark.parametrize(
    "made_like", [WITHOUT_MEDIA_SOURCE, WITH_AIRPLAY], ids=["without-media-source", "with-airplay"]
)
def test_the_browser_plays_by_itself(context: BrowserContext, stage: tuple[Browser, str, Any], made_like: str) -> None:
    context.add_init_script(made_like)
    seat = Seat(context, stage[1])
    seat.play()
    seat.until("video.currentTime > 1")
    assert seat.video.evaluate("video => video.currentSrc").endswith("/index.m3u8")
    assert not [path for path in seat.asked if "vendor/hls" in path]
    assert seat.violations() == []
    expect(seat.control("airplay")).to_be_hidden()
    if made_like == WITH_AIRPLAY:
        seat.video.evaluate(ANNOUNCE_A_SCREEN)
        seat.page.get_by_role("button", name="Diffuser sur un autre écran").click()
        assert seat.page.evaluate("window.pickerShown")


ANNOUNCE_A_SCREEN = """video => video.dispatchEvent(
    Object.assign(new Event("webkitplaybacktargetavailabilitychanged"), {availability: "available"}))"""


def test_the_player_speaks_english(context: BrowserContext, stage: tuple[Browser, str, Any]) -> None:
    seat = Seat(context, f"{stage[1]}/en")
    seat.play(at=14)
    expect(seat.control("play")).to_have_accessible_name("Pause")
    seat.page.keyboard.press("c")
    expect(seat.page.locator("[data-said]")).to_have_text("Subtitles: English")
    seat.page.wait_for_function(f"() => ({SHOWN_TEXT})(document.querySelector('video')).includes('naïve')")
    seat.choose("Subtitles", "German")
    seat.choose("Sound track", "French, with audio description")
    seat.page.keyboard.press("Escape")
    seat.page.keyboard.press("?")
    expect(seat.page.get_by_role("dialog", name="Keys of the player")).to_be_visible()
    assert not [path for path in seat.asked if path.startswith(("/en/player", "/en/media", "/en/static"))]
    assert seat.violations() == []
