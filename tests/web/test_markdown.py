"""Texts of the catalogue are Markdown, and nothing in them runs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.web.markdown import render_markdown

OUR_TAGS = {"p", "em", "strong", "a", "code", "pre", "ul", "ol", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "br", "img", "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java\nscript:alert(1))",
        "![x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        '[x](https://example.org "\\" onclick=\\"alert(1)")',
        '![" onerror="alert(1)](x)',
        "[x]: javascript:alert(1)\n\n[x]",
        "`</code><script>`",
        "```\n</pre><script>\n```",
    ],
)
def test_nothing_hostile_survives(text: str) -> None:
    assert_harmless(render_markdown(text))


@given(st.text(st.sampled_from("<>\"'&;:()[]!`*_#\\ \n/javscriptonl=x1"), max_size=60))
def test_no_text_becomes_more_than_text(text: str) -> None:
    assert_harmless(render_markdown(text))


def test_what_is_meant_is_shown() -> None:
    assert "<em>lutte</em>" in render_markdown("une *lutte*")
    assert '<a href="https://example.org">là</a>' in render_markdown("[là](https://example.org)")


def assert_harmless(page: str) -> None:
    """Only tags of ours, none with a script in it."""
    assert {*re.findall(r"<\s*/?\s*(\w+)", page)} <= OUR_TAGS, page
    for tag in re.findall(r"<[^>]*>", page):
        attributes = re.sub(r'"[^"]*"', '""', tag)
        assert {*re.findall(r"\s([\w-]+)=", attributes)} <= {
            "href",
            "src",
            "alt",
            "title",
            "start",
            "class",
            "style",
        }, tag
        assert not re.search(r'(?:href|src)="\s*(?:javascript|vbscript|data|file):', tag, re.IGNORECASE), tag
