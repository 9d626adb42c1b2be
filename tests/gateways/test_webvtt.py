"""Whatever a subtitle file holds, what leaves is plain."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.gateways.webvtt import HEAVIEST_BYTES, Subtitle, SubtitlesRefused, plain_webvtt, rewrite

HOUR_MS = 3_600_000


def cue(text: str, times: str = "00:01.000 --> 00:02.000") -> str:
    """The text that comes out of a file with this cue."""
    return plain_webvtt(f"WEBVTT\n\n{times}\n{text}\n", HOUR_MS).split("\n", 3)[-1].rstrip("\n")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("L’œuvre « entière »", "L’œuvre « entière »"),
        ("<i>penché</i> et <b>gras</b>", "<i>penché</i> et <b>gras</b>"),
        ("<i.loud>penché", "<i>penché</i>"),
        ("<i><b>croisé</i></b>", "<i><b>croisé</b></i>"),
        ("<v Roger>Bonjour</v>", "Bonjour"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>vu", "vu"),
        ("<c.red>rouge</c> <u>souligné</u> <00:01.500>après", "rouge souligné après"),
        ("&lt;script&gt; &amp; &eacute;", "&lt;script&gt; &amp; é"),
        ("a < b", "a"),
        ("5 > 4", "5 &gt; 4"),
        ("deux\nlignes", "deux\nlignes"),
    ],
)
def test_only_words_and_i_and_b_survive(text: str, plain: str):
    assert cue(text) == plain


def test_styles_notes_regions_and_settings_are_dropped():
    source = (
        "\ufeffWEBVTT - title\nX-THING: 1\n\nSTYLE\n::cue { background: url(http://127.0.0.1/) }\n\n"
        "REGION\nid:fred\n\nNOTE\nsecret\n\nname\n00:01.000 --> 00:02.000 region:fred line:0\nOui\n"
    ).lstrip("\ufeff")
    assert plain_webvtt(source, HOUR_MS) == "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nOui\n"


def test_subrip_is_taken_and_cues_come_in_order():
    source = "2\r\n00:00:05,000 --> 00:00:06,000\r\nB\r\n\r\n1\r\n00:00:01,000 --> 00:00:02,000\r\nA\r\n"
    assert plain_webvtt(source, HOUR_MS) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nA\n\n00:00:05.000 --> 00:00:06.000\nB\n"
    )


def test_nothing_lasts_longer_than_the_film():
    source = "WEBVTT\n\n00:01.000 --> 00:09.000\nA\n\n00:06.000 --> 00:07.000\nB\n"
    assert plain_webvtt(source, 5000) == "WEBVTT\n\n00:00:01.000 --> 00:00:05.000\nA\n"


def test_cues_without_length_or_words_are_dropped():
    source = "WEBVTT\n\n00:03.000 --> 00:02.000\nA\n\n00:03.000 --> 00:04.000\n<x>\n"
    assert plain_webvtt(source, HOUR_MS) == "WEBVTT\n"


@given(st.text(alphabet="<>/ib&;.->:0123456789\n\r\0 é"))
@settings(max_examples=200, deadline=None)
def test_what_is_plain_stays_as_it_is(text: str):
    once = plain_webvtt(f"00:01.000 --> 00:02.000\n{text}", HOUR_MS)
    assert plain_webvtt(once, HOUR_MS) == once
    assert not once.replace("<i>", "").replace("</i>", "").replace("<b>", "").replace("</b>", "").count("<")


@pytest.mark.parametrize("content", ["caf\xe9".encode("latin-1"), b"WEBVTT\n\nnothing\n", b""])
def test_unusable_files_are_refused_in_one_line(tmp_path: Path, content: bytes):
    path = tmp_path / "film.vtt"
    path.write_bytes(content)
    with pytest.raises(SubtitlesRefused, match=r"^film\.vtt: [^\n]+$"):
        rewrite(Subtitle("fr", path), 60)


def test_a_heap_of_subtitles_is_refused_unread(tmp_path: Path):
    path = tmp_path / "film.vtt"
    with path.open("wb") as file:
        file.truncate(HEAVIEST_BYTES + 1)
    with pytest.raises(SubtitlesRefused, match="larger than"):
        rewrite(Subtitle("fr", path), 60)
