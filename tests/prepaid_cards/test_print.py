"""Cards on paper: one page whatever is written on it, readable by people, scanners, screen readers and printers without colour."""

import re
import unicodedata
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from store.gateways import typesetter
from store.gateways.typesetter import CannotTypeset, typeset_png
from store.prepaid_cards import print_cards
from store.prepaid_cards.batch import PrintedCard
from store.prepaid_cards.codes import code_of, read, written
from store.prepaid_cards.models import Gift, PrepaidCard
from store.prepaid_cards.print_cards import print_gift, print_sheets, printable, unprintable
from tests.prepaid_cards.paper import Paper, squares

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
KEYS = [(1, "a secret of the tests, long enough for a key")]
CODE = written(code_of(KEYS, 1, 7, 0))
ADDRESS = f"http://localhost/cartes/activer#{CODE}"
MESSAGE = "Pour les soirs d’hiver : à Noël, où que tu sois !\nŒuvre ça, dès l’été."
VERSE = "\n".join(f"et le vers numéro {number}" for number in range(24))
FACES = {"BricolageDisplay", "BricolageLabel", "ShopSerif"}


def paper(app: Flask, locale: str = "fr", giver: str = "Agnès", **words: object) -> Paper:
    """The page of a gift."""
    with app.app_context(), force_locale(locale):
        return Paper(print_gift(*given_card(**words), giver=giver, keys=KEYS, at=AT))


def given_card(
    name: str = "Éloïse", message: str = MESSAGE, price: int = 2000, credit: int = 2100
) -> tuple[Gift, PrepaidCard]:
    gift = Gift(delivery="print", recipient_name=name, message=message, deliver_on=date(2026, 12, 24))
    card = PrepaidCard(
        id=7, price_cents=price, credit_cents=credit, last4=CODE[-4:], key_version=1, reissue=0, taken_cents=0
    )
    return gift, card


def batch(count: int) -> list[PrintedCard]:
    return [PrintedCard(f"B1-{number:05}", code_of(KEYS, 1, number, 0), 2000, 2100) for number in range(1, count + 1)]


def test_the_page_says_it_all(app: Flask) -> None:
    page = paper(app)
    for words in ("Éloïse", "Agnès", MESSAGE, "20 €", "21,00 €", CODE[-4:], "localhost/cartes/activer"):
        assert " ".join(words.split()) in page.text()
    assert CODE in page.text().replace(" - ", "-")
    assert "20\u00a0€" in page.title


def test_english_by_locale(app: Flask) -> None:
    page = paper(app, "en", name="John", giver="Ann")
    for words in ("For John", "from Ann", "€20", "€21.00 of credit", "Sign in, or make an account", "never expires"):
        assert words in page.text()
    assert page.says("/Lang(en)") and not page.says("/Lang(fr)")


def test_it_is_accessible(app: Flask) -> None:
    page = paper(app)
    for mark in ("<pdfuaid:part>1</pdfuaid:part>", "/Lang(fr)", "/Marked true", "/DisplayDocTitle true"):
        assert page.says(mark), mark
    parts = page.described()
    assert "H1" in [kind for kind, _ in parts]
    [shop, ticket] = [description for kind, description in parts if kind == "Figure"]
    assert shop == "CinéMutins"
    assert "20" in ticket and "21,00" in ticket and ADDRESS in ticket


@pytest.mark.parametrize("shades", [256, 2])
def test_the_square_leads_to_the_activation_page(app: Flask, shades: int) -> None:
    """In shades of grey, and in black and white alone, as a fax would have it."""
    picture = paper(app).picture()
    if shades == 2:
        picture = picture.point(lambda light: 255 * (light > 127)).convert("L")
    assert squares(picture) == [ADDRESS]
    assert read(squares(picture)[0]) == CODE.replace("-", "")


def test_ink_stands_out_from_the_card_without_colours(app: Flask) -> None:
    light = paper(app).picture().histogram()
    card = max(range(150, 250), key=lambda shade: light[shade])
    ink = max(range(60), key=lambda shade: light[shade])
    assert light[card] > 100_000, "the card is the largest grey"
    assert luminance(card) / luminance(ink) > 7


def luminance(shade: int) -> float:
    """WCAG 2: relative luminance of a grey, flare included."""
    part = shade / 255
    return (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4) + 0.05


@pytest.mark.parametrize(
    "words",
    [
        {"message": ""},
        {"message": "Bon film ! " * 45},
        {"message": "Anticonstitutionnellement" * 20, "name": "A" * 100, "giver": "B" * 100},
        {"message": "W" * 500, "name": "W" * 100, "giver": "W" * 100},
        {"message": "WWWWWWWWWWWWWWWW\n" * 29, "name": "W" * 100, "giver": "W" * 100},
        {"message": "a\n" * 250},
        {"message": VERSE, "name": "Marie-Françoise de La Tour d’Auvergne et tous ses enfants"},
        {"message": "\n\n\n \n", "name": " ", "giver": ""},
        {"message": "🎉" * 100, "name": "👩‍👩‍👧", "giver": "王小明"},
        {"message": "#image(\"/etc/passwd\") $x$ *b* \\ @a <b> //", "name": "#panic()", "giver": "<x>"},
        {"message": "Привет, Ολυμπία! Zażółć gęślą jaźń, Tiếng Việt", "name": "Łukasz & Ольга"},
        {"price": 15000, "credit": 15000},
    ],
    ids=lambda words: repr(words)[:30],
)  # fmt: skip
def test_it_is_one_page_whatever_is_written(app: Flask, words: dict) -> None:
    page = paper(app, **words)
    assert len(page) == 1
    assert squares(page.picture()) == [ADDRESS]
    nothing_is_cut_off(page.picture())
    written_out = re.sub(r"\s", "", page.text())
    for text in (words.get("name", ""), words.get("giver", ""), words.get("message", "")):
        assert re.sub(r"\s", "", printable(text)) in written_out


def nothing_is_cut_off(picture: Image.Image) -> None:
    """All ink keeps 12 mm from the paper's edges."""
    edge = round(12 / 25.4 * 150)
    box = Image.eval(picture, lambda light: 255 - light).getbbox()
    assert box[0] >= edge and box[1] >= edge
    assert box[2] <= picture.width - edge and box[3] <= picture.height - edge


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(max_size=500), name=st.text(max_size=100), giver=st.text(max_size=100))
def test_no_text_breaks_it(app: Flask, message: str, name: str, giver: str) -> None:
    assert len(paper(app, name=name, giver=giver, message=message)) == 1


def test_verse_keeps_its_lines_and_a_heap_of_lines_does_not(app: Flask) -> None:
    assert set(VERSE.split("\n")) <= set(paper(app, message=VERSE).lines())
    heap = [line for line in paper(app, message="a\n" * 250).lines() if re.fullmatch("[a ]+", line)]
    assert sum(line.count("a") for line in heap) == 250
    assert len(heap) < 20


def test_what_our_faces_lack_is_left_out_and_told() -> None:
    assert printable("  Bon film 🎉, E\u0301loïse\u200d !\tÀ\u2003toi\r\n王 ") == "Bon film , Éloïse ! À toi"
    assert printable("un\n\n\ndeux") == "un\n\n\ndeux"
    assert unprintable("Bon film 🎉 ❤️ 王 🎉 à toi, x\u0302") == "🎉❤王\u0302"
    assert unprintable(MESSAGE + "\r\n\tПривет Ζωή Łódź e\u0301") == ""


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_whatever_is_left_out_is_told(text: str) -> None:
    """All but what has no form of its own: spaces, controls, joiners, and which variant of a sign is meant."""
    said = printable(text) + unprintable(text)
    untold = {sign for sign in unicodedata.normalize("NFC", text) if sign not in said}
    assert not [
        sign
        for sign in untold
        if not sign.isspace()
        and not re.fullmatch("[\ufe00-\ufe0f]", sign)
        and unicodedata.category(sign) not in ("Cc", "Cf")
    ]


def test_who_has_no_name_in_our_letters_is_you(app: Flask) -> None:
    assert "For you" in paper(app, "en", name="王小明").text()


def test_only_our_faces_are_used(app: Flask) -> None:
    assert {family.replace(" ", "") for family in typesetter._faces().families()} == FACES
    with app.app_context():
        pdf = print_gift(*given_card(name="Ольга"), giver="王 Ann", keys=KEYS, at=AT)
    assert {name.decode() for name in re.findall(rb"/BaseFont/[A-Z]{6}\+(\w+)", pdf)} == FACES


def test_the_same_card_gives_the_same_file(app: Flask) -> None:
    with app.app_context():
        first, second = (print_gift(*given_card(), giver="Agnès", keys=KEYS, at=AT) for _ in range(2))
    assert first == second
    assert b"2026-12-01T09:30:00" in first


def test_a_shop_of_another_name_signs_with_it(app: Flask) -> None:
    app.config["SHOP_NAME"] = "Vidéo Coop"
    page = paper(app)
    assert "Vidéo Coop" in page.text()
    assert [kind for kind, _ in page.described()].count("Figure") == 1


def test_a_batch_fills_sheets_of_ten(app: Flask) -> None:
    cards = batch(23)
    with app.app_context():
        [pdf] = print_sheets(cards, AT)
    sheets = Paper(pdf)
    assert len(sheets) == 3
    assert sheets.says("<pdfuaid:part>1</pdfuaid:part>")
    for page, on_page in enumerate((cards[:10], cards[10:20], cards[20:])):
        codes = [written(card.code) for card in on_page]
        assert squares(sheets.picture(page)) == [f"http://localhost/cartes/activer#{code}" for code in codes]
        figures = [words for kind, words in sheets.described(page) if kind == "Figure"]
        assert [words.rpartition(", ")[2] for words in figures] == codes
        assert [words.split(", ")[-2] for words in figures] == [card.serial for card in on_page]
        text = sheets.text(page).replace(" ", "")
        for card, code in zip(on_page, codes, strict=True):
            assert code[:11] in text and code[12:] in text and card.serial in text


def test_sheets_have_marks_to_cut_along(app: Flask) -> None:
    """Eighteen short lines in the margins, at the tickets' edges."""
    with app.app_context():
        [pdf] = print_sheets(batch(10), AT)
    picture = Paper(pdf).picture(dots_per_inch=144)
    dark = [x for x in range(picture.width) if picture.getpixel((x, picture.height - 50)) < 128]
    assert [x for x in dark if x - 1 not in dark] == [pytest.approx(2 * edge, abs=2) for edge in (56.6, 297.6, 538.6)]
    dark = [y for y in range(picture.height) if picture.getpixel((90, y)) < 128]
    assert [y for y in dark if y - 1 not in dark] == [pytest.approx(2 * (38.4 + 153 * row), abs=2) for row in range(6)]


def test_a_large_batch_comes_in_several_files(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(print_cards, "BOOK", 10)
    with app.app_context():
        books = [Paper(pdf) for pdf in print_sheets(batch(21), AT)]
    assert [len(book) for book in books] == [1, 1, 1]
    assert ["B1-00011" in book.title and "B1-00020" in book.title for book in books] == [False, True, False]


def test_a_template_that_refuses_says_so() -> None:
    with pytest.raises(CannotTypeset, match="key"):
        typeset_png("prepaid_cards/ticket.typ", {}, 72)
