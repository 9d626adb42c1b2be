"""The ticket: one drawing for pages, letters and print, whatever stands on it."""

import base64
import io
import re
from dataclasses import replace
from itertools import product
from math import cos, radians, sin
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import sync_playwright

from config import ROOT
from store.catalogue import lettering
from store.gateways.typesetter import typeset_png
from store.prepaid_cards.ticket import CUTS, INK, PAPER, YELLOW, TicketFacts, draw_ticket
from tests import browser

SVG = "{http://www.w3.org/2000/svg}"
CODE = "7K2QX-M3RTA-9DCFE-8KTAB"
FACTS = TicketFacts("Carte prépayée", "20 €", "reste 8,00 €", "N° KTAB", 800, 2000)
FOR_PRINT = TicketFacts("Carte", "20 €", "21,00 € de crédit", "B1-00001", code=CODE, address="https://shop.example/#A")
LONG = TicketFacts(
    "Une carte prépayée dont le nom n’en finit pas, pour quelqu’un qui en a un plus long encore",
    "1 234 567,89 €",
    "reste 1 234 567,89 € offerts, jusqu’au 30 septembre 2027 à minuit, heure de Paris",
    "N° KTAB",
    800,
    2000,
)
WITH_SQUARE = replace(LONG, address="https://shop.example/#A")
WITH_CODE = replace(WITH_SQUARE, code=CODE)


def parsed(facts: TicketFacts, cut: str = "wide") -> ElementTree.Element:
    return ElementTree.fromstring(draw_ticket(facts, cut))


def bar_of(facts: TicketFacts) -> tuple[float, float]:
    """How long the bar and its frame are."""
    paths = [path.get("d") or "" for path in parsed(facts).iter(f"{SVG}path")]
    frame, bar = (float(re.search(r"h([\d.]+)", path)[1]) for path in paths[2:4])
    return bar, frame + 2


def test_the_colours_are_the_style_sheets() -> None:
    tokens = (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    by_day = {
        name: hexadecimal(*map(float, numbers.split()))
        for name, numbers in re.findall(r"--([\w-]+): (?:light-dark\()?oklch\(([^)]*)\)", tokens)
    }
    assert {"card": YELLOW, "on-card": INK, "paper": PAPER}.items() <= by_day.items()


def hexadecimal(lightness: float, chroma: float, hue: float) -> str:
    """OKLCH in sRGB, by Björn Ottosson's matrices."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    bright = (12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in linear)
    return "#" + "".join(f"{round(255 * min(max(part, 0), 1)):02x}" for part in bright)


@pytest.mark.parametrize(
    ("facts", "cut"),
    [
        *product((FACTS, LONG), CUTS),
        *product((WITH_SQUARE,), ("page", "sheet")),
        *product((FOR_PRINT, WITH_CODE), ("sheet",)),
    ],
)
def test_no_word_leaves_the_ticket_or_lies_under_the_square(facts: TicketFacts, cut: str) -> None:
    size = CUTS[cut]
    end = size.width - size.margin
    for words in parsed(facts, cut).iter(f"{SVG}text"):
        if words.get("transform"):
            continue
        x, y, height = (float(words.get(name)) for name in ("x", "y", "font-size"))
        is_sum = words.get("class") == "ticket-sum"
        face = lettering.display() if is_sum else lettering.label()
        beside_square = facts.address and y > size.square_top
        limit = end - size.square - size.margin if beside_square else end
        assert x + face.width(words.text or "") * height <= limit + 1, words.text
        assert size.margin * 0.5 < y < size.height


def test_the_bar_is_as_long_as_what_remains() -> None:
    for remaining, share in ((2000, 1), (800, 0.4), (0, 0), (-1, 0), (9999, 1)):
        bar, frame = bar_of(TicketFacts("Carte", "20 €", "reste", "N°", remaining, 2000))
        assert bar == pytest.approx(frame * share, abs=0.1)
    assert "stroke-width" not in draw_ticket(TicketFacts("Carte", "20 €", "", "")).partition("stroke-dasharray")[2]


def test_it_is_read_out_in_one_sentence() -> None:
    drawn = parsed(FOR_PRINT, "sheet")
    assert drawn.get("role") == "img"
    assert drawn.get("aria-label") == f"Carte, 20 €, 21,00 € de crédit, B1-00001, {CODE}"
    seen = [words.text for words in drawn.iter(f"{SVG}text")]
    assert seen == ["B1-00001", "Carte", "20 €", "21,00 € de crédit", "9DCFE-8KTAB", "7K2QX-M3RTA"]


def test_what_stands_on_it_is_only_text() -> None:
    drawn = parsed(TicketFacts('<script>"&', "<b>", "'\"><i>", "&lt;"))
    assert drawn.get("aria-label") == '<script>"&, <b>, \'"><i>, &lt;'
    assert {element.tag for element in drawn.iter()} == {f"{SVG}{tag}" for tag in ("svg", "path", "text")}


def test_a_page_may_hold_many_of_them() -> None:
    """No id that would stand twice, and no style, which the content security policy would refuse."""
    for cut in CUTS:
        for element in parsed(FOR_PRINT, cut).iter():
            assert not {"id", "style"} & set(element.keys())


@pytest.mark.parametrize("cut", ["page", "sheet"])
def test_the_square_keeps_four_light_modules_around_it(cut: str) -> None:
    """As ISO/IEC 18004 asks; the white ends where the ticket begins."""
    white, dark = list(parsed(FOR_PRINT, cut).iter(f"{SVG}path"))[-2:]
    left, side = (float(number) for number in re.match(r"M([\d.]+) [\d.]+h([\d.]+)", white.get("d")).groups())
    x, module = (
        float(number) for number in re.match(r"translate\(([\d.]+) .*scale\((.*)\)", dark.get("transform")).groups()
    )
    last = max(int(column) for column in re.findall(r"M(\d+)", dark.get("d"))) + 1
    assert x - left == pytest.approx(4 * module, abs=0.1)
    assert left + side - (x + last * module) == pytest.approx(4 * module, abs=0.1)
    assert module / 72 * 25.4 > 0.35, "mm, for a phone's camera"


def test_it_is_the_pages_ticket(client: FlaskClient) -> None:
    page = client.get("/films").text
    found = re.findall(r'<a class="ticket" href="/cartes"><svg [^>]*aria-label="([^"]*)"', page)
    assert found and all("€" in words and "CinéMutins" in words for words in found)
    assert page.count(f'fill="{PAPER}"') == len(found)


def test_a_browser_and_the_typesetter_draw_the_same(app: Flask) -> None:
    drawing = draw_ticket(FACTS)
    typeset = Image.open(io.BytesIO(typeset_png("prepaid_cards/ticket.typ", {"drawing": drawing}, 96)))
    on_page = photographed(drawing)
    assert typeset.size == on_page.size == (360, 132)
    white = Image.new("RGBA", typeset.size, "white")
    typeset = Image.alpha_composite(white, typeset.convert("RGBA")).convert("RGB")
    apart = ImageStat.Stat(ImageChops.difference(typeset, on_page).convert("L"))
    assert apart.mean[0] < 1.2  # 0.7; another digit makes it 1.7, another face 3.8


def photographed(drawing: str) -> Image.Image:
    """The drawing in a browser, with the faces of the pages."""
    faces = "".join(
        f"@font-face{{font-family:'{family}';src:url(data:font/woff2;base64,{encoded(file)})}}"
        for family, file in (("Bricolage Display", "bricolage-display"), ("Bricolage Label", "bricolage-label"))
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.require(), args=browser.FLAGS)
        page = chromium.new_page(viewport={"width": 360, "height": 132})
        page.set_content(f"<style>{faces}body{{margin:0}}svg{{display:block}}</style>{drawing}")
        page.evaluate("document.fonts.ready")
        picture = page.screenshot()
        chromium.close()
    return Image.open(io.BytesIO(picture)).convert("RGB")


def encoded(file: str) -> str:
    return base64.b64encode((ROOT / "static" / "fonts" / f"{file}.woff2").read_bytes()).decode()
