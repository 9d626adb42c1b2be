"""Texts are Markdown; HTML in them stays text."""

from markdown_it import MarkdownIt
from markupsafe import Markup

_reader = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable("table")


def render_markdown(text: str) -> Markup:
    """The text as safe HTML; links with schemes other than http, https and mailto stay text."""
    return Markup(_reader.render(text))  # noqa: S704  # the reader lets no HTML and no other scheme through
