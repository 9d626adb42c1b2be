"""Cuts the shop's typefaces out of their variable originals: only the axes, weights and glyphs that are in use.

A tool for whoever changes the type, never run by the shop: `python static/fonts/cut_fonts.py ORIGINALS`, where ORIGINALS holds the
unpacked npm packages `@fontsource-variable/bricolage-grotesque` 5.3.0 and `@fontsource-variable/source-serif-4` 5.3.1 as the folders
`bricolage-grotesque/` and `source-serif-4/`. Needs fontTools with woff2 (development requirements).

It writes the three faces of the pages (`static/fonts/*.woff2`, together at most 45 kB), the same faces for posters, tickets and print
(`store/catalogue/fonts/*.ttf`: every letter of the originals, under names of our own), and the wordmark
(`templates/components/wordmark.svg`).
"""

import sys
from pathlib import Path

from fontTools import merge, subset
from fontTools.misc.transform import Transform
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

PAGES = Path(__file__).parent
PRINT = PAGES.parents[1] / "store" / "catalogue" / "fonts"
WORDMARK = PAGES.parents[1] / "templates" / "components" / "wordmark.svg"

BRICOLAGE = "bricolage-grotesque/files/bricolage-grotesque-{subset}-standard-normal.woff2"
SERIF = "source-serif-4/files/source-serif-4-{subset}-standard-normal.woff2"

DISPLAY = {"opsz": 96, "wdth": 75, "wght": 800}
LABEL = {"opsz": 14, "wdth": 100, "wght": 600}
WORDMARK_LIGHT = {"opsz": 96, "wdth": 100, "wght": 300}
WORDMARK_HEAVY = {"opsz": 96, "wdth": 100, "wght": 800}
TEXT = {"opsz": 16, "wght": 400}

LATIN = ("latin", "latin-ext")
EUROPEAN = (*LATIN, "vietnamese", "greek", "cyrillic", "cyrillic-ext")

ASCII = "".join(map(chr, range(0x20, 0x7F)))
FRENCH = "àâäçéèêëîïôöùûüÿæœÀÂÄÇÉÈÊËÎÏÔÖÙÛÜÆŒ"
NEIGHBOURS = "áãåíìñóòõøúßÁÅÍÑÓØÚ¡¿"
SIGNS = "\u00a0\u202f«»·°×−€“”‘’–—…©§"
IN_USE = ASCII + FRENCH + NEIGHBOURS + SIGNS

NARROW_SPACE = 0x202F
BUDGET_BYTES = 45_000


def cut(originals: Path) -> None:
    """Write every face; stops if the pages' faces are heavier than the budget."""
    pages = {
        "bricolage-display.woff2": (BRICOLAGE, DISPLAY, ["kern"]),
        "bricolage-label.woff2": (BRICOLAGE, LABEL, ["kern", "tnum"]),
        "source-serif.woff2": (SERIF, TEXT, ["kern", "liga"]),
    }
    for name, (source, axes, features) in pages.items():
        _cut_for_pages(originals / source.format(subset="latin"), axes, features, PAGES / name)
    prints = {
        "BricolageGrotesque-Display.ttf": (BRICOLAGE, LATIN, DISPLAY, "Bricolage Display"),
        "BricolageGrotesque-Label.ttf": (BRICOLAGE, LATIN, LABEL, "Bricolage Label"),
        "SourceSerif4-Text.ttf": (SERIF, EUROPEAN, TEXT, "Shop Serif"),
    }
    for name, (source, subset_names, axes, family) in prints.items():
        _cut_for_print(originals / source, subset_names, axes, family, PRINT / name)
    WORDMARK.write_text(_wordmark(originals), encoding="utf-8")
    weight_bytes = sum((PAGES / name).stat().st_size for name in pages)
    print(f"pages: {weight_bytes} bytes of {BUDGET_BYTES}")
    if weight_bytes > BUDGET_BYTES:
        sys.exit("too heavy")


def _cut_for_pages(source: Path, axes: dict[str, float], features: list[str], target: Path) -> None:
    font = _instance(source, axes)
    _add_narrow_space(font)
    options = subset.Options(layout_features=features, hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 13, 14])
    _subset(font, options, IN_USE)
    font.flavor = "woff2"
    font.save(target)


def _cut_for_print(
    source: Path, subset_names: tuple[str, ...], axes: dict[str, float], family: str, target: Path
) -> None:
    parts = []
    for subset_name in subset_names:
        font = _instance(Path(str(source).format(subset=subset_name)), axes)
        _subset(font, subset.Options(layout_features=["kern"], hinting=False), "".join(map(chr, font.getBestCmap())))
        part = target.with_suffix(f".{subset_name}")
        font.save(part)
        parts.append(part)
    merged = merge.Merger().merge([str(part) for part in parts])
    _add_narrow_space(merged)
    _call(merged, family)
    merged.save(target)
    for part in parts:
        part.unlink()


def _call(font: TTFont, family: str) -> None:
    """Gives the face the name that drawings ask for, the style sheets’ for Bricolage; “Source” is reserved to its makers."""
    names = font["name"]
    names.names = [name for name in names.names if name.nameID in (0, 5, 13, 14)]
    postscript = family.replace(" ", "")
    for number, words in {1: family, 2: "Regular", 3: f"{postscript} cut", 4: family, 6: postscript}.items():
        names.setName(words, number, 3, 1, 0x409)


def _instance(source: Path, axes: dict[str, float]) -> TTFont:
    return instancer.instantiateVariableFont(TTFont(source), axes, overlap=instancer.OverlapMode.KEEP_AND_SET_FLAGS)


def _add_narrow_space(font: TTFont) -> None:
    """French sets U+202F before ; ! ? and between thousands; the originals have no glyph for it."""
    cmap, glyphs, metrics = font["cmap"], font["glyf"], font["hmtx"]
    space = font.getBestCmap()[0x20]
    glyphs["uni202F"] = glyphs[space]
    metrics["uni202F"] = (round(metrics[space][0] * 0.6), 0)
    font.setGlyphOrder(glyphs.glyphOrder)
    for table in cmap.tables:
        if table.isUnicode():
            table.cmap[NARROW_SPACE] = "uni202F"


def _subset(font: TTFont, options: subset.Options, text: str) -> None:
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text)
    subsetter.subset(font)


def _wordmark(originals: Path) -> str:
    """CinéMutins, the first word light, the second heavy and in the spot colour; decorative: the link around it has a name."""
    source = originals / BRICOLAGE.format(subset="latin")
    light, middle = _outline(_instance(source, WORDMARK_LIGHT), "Ciné", 0)
    heavy, end = _outline(_instance(source, WORDMARK_HEAVY), "Mutins", middle)
    return (
        f'<svg class="wordmark" viewBox="0 0 {end} 92" aria-hidden="true" focusable="false">'
        f'<path d="{light}"/><path class="wordmark-spot" d="{heavy}"/></svg>\n'
    )


def _outline(font: TTFont, text: str, start: float) -> tuple[str, int]:
    """The outline of `text` at 100 units to the em, from `start` on a baseline at 82; and where it ends."""
    scale = 100 / font["head"].unitsPerEm
    glyphs, cmap, x = font.getGlyphSet(), font.getBestCmap(), start
    pen = SVGPathPen(glyphs, ntos=lambda number: str(round(number)))
    for character in text:
        name = cmap[ord(character)]
        glyphs[name].draw(TransformPen(pen, Transform(scale, 0, 0, -scale, x, 82)))
        x += glyphs[name].width * scale - 1
    return pen.getCommands(), round(x)


if __name__ == "__main__":
    cut(Path(sys.argv[1]))
