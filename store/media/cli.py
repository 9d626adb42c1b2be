"""`flask films ingest`: a master's way into the shop, from the command line."""

from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy import select

from store.catalogue.cli import commands
from store.catalogue.models import Film
from store.db import db, transaction
from store.gateways.media_store import Busy, NotThere, OutOfReach
from store.gateways.video_tools import MasterRefused, PackagingFailed
from store.gateways.webvtt import Subtitle, SubtitlesRefused
from store.jobs.enqueue import enqueue
from store.media.delivery import Delivery, SoundFile
from store.media.models import Ingest
from store.media.progress import Cancelled, Standing
from store.media.publish import UnknownFilm, cancel, order, order_again, publish

STEPS = {
    "wait": "waiting for another encode to end",
    "probe": "looking at the files",
    "sound": "sound",
    "encode": "encoding",
    "trailer": "trailer",
    "package": "cutting",
    "verify": "verifying",
}
BAR_LENGTH = 1000
EXPECTED = (UnknownFilm, NotThere, Busy, OutOfReach, Cancelled, MasterRefused, SubtitlesRefused, PackagingFailed)

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@commands.command("ingest")
@click.argument("slug")
@click.argument("master", type=FILE, required=False)
@click.option(
    "--subtitles", multiple=True, metavar="NAME=FILE", help="WebVTT or SubRip: fr=FILE, fr-sdh=FILE for the deaf."
)
@click.option(
    "--sound",
    multiple=True,
    metavar="NAME=FILE",
    help="Another sound: en=FILE, fr-ad=FILE described; FILE#2: its second.",
)
@click.option("--trailer", type=FILE, help="Open to all.")
@click.option("--trailer-subtitles", multiple=True, metavar="NAME=FILE", help="The trailer's, named like the film's.")
@click.option("--language", metavar="fr", help="Of the film's own sound, if the master does not say it.")
@click.option("--later", is_flag=True, help="Leave it to the worker.")
@click.option("--cancel", "is_cancel", is_flag=True, help="Cancel what waits or runs; what is live stays live.")
def ingest_command(
    slug: str,
    master: Path | None,
    subtitles: tuple[str, ...],
    sound: tuple[str, ...],
    trailer: Path | None,
    trailer_subtitles: tuple[str, ...],
    language: str | None,
    later: bool,
    is_cancel: bool,
) -> None:
    """Encode, package, verify and publish MASTER as the film SLUG. Without MASTER: go on with what was delivered last."""
    try:
        if is_cancel:
            click.echo(f"{slug} is cancelled." if cancel(slug) else f"{slug}: nothing waits or runs.")
            return
        if master:
            texts, of_trailer = (
                _subtitles("--subtitles", subtitles),
                _subtitles("--trailer-subtitles", trailer_subtitles),
            )
            order(slug, Delivery(master, texts, _sounds(sound), trailer, language, of_trailer))
        else:
            order_again(slug)
        click.echo(_enqueued(slug) if later else f"{slug} is published as {_publish_with_a_bar(slug)}.")
    except EXPECTED as error:
        raise click.ClickException(str(error)) from None


@commands.command("ingests")
def ingests_command() -> None:
    """Show every film's way into the shop, a line each: state, step, per cent, speed, time left, what went wrong."""
    rows = db.session.execute(select(Film.slug, Ingest).join(Ingest).order_by(Ingest.updated_at.desc(), Film.id))
    for slug, ingest in rows:
        standing = Standing(ingest.step, ingest.fraction, ingest.speed, ingest.left_s)
        words = (slug, ingest.state, f"{ingest.fraction:.0%}", in_words(standing), ingest.error or "")
        click.echo("  ".join(word for word in words if word))


def in_words(standing: Standing) -> str:
    """« encoding 1.8×, 3 min left »."""
    words = STEPS.get(standing.step, "")
    if standing.speed is None or standing.left_s is None:
        return words
    minutes, seconds = divmod(round(standing.left_s), 60)
    left = (
        f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min" if minutes else f"{seconds} s"
    )
    return f"{words} {standing.speed:.1f}×, {left} left"


def _publish_with_a_bar(slug: str) -> str:
    with click.progressbar(length=BAR_LENGTH, label=slug, show_eta=False, item_show_func=_shown) as bar:

        def show(standing: Standing) -> None:
            bar.update(max(0, round(standing.fraction * BAR_LENGTH) - bar.pos), standing)

        recipe = publish(slug, show)
        bar.update(BAR_LENGTH - bar.pos)
    return recipe


def _shown(standing: Standing | None) -> str | None:
    return in_words(standing) if standing else None


def _enqueued(slug: str) -> str:
    with transaction() as session:
        enqueue(session, "media.publish", {"film_slug": slug})
    return f"{slug} waits for the worker."


def _subtitles(option: str, values: tuple[str, ...]) -> tuple[Subtitle, ...]:
    return tuple(Subtitle(name, Path(file)) for name, file in map(_named(option), values))


def _sounds(options: tuple[str, ...]) -> tuple[SoundFile, ...]:
    sounds = []
    for name, file in map(_named("--sound"), options):
        path, mark, number = file.rpartition("#")
        sounds.append(
            SoundFile(name, Path(path), int(number)) if mark and number.isdigit() else SoundFile(name, Path(file))
        )
    return tuple(sounds)


def _named(option: str) -> Callable[[str], tuple[str, str]]:
    """Takes NAME=FILE apart."""

    def split(text: str) -> tuple[str, str]:
        name, equals, file = text.partition("=")
        if not equals or not name or not file:
            raise click.BadParameter(f"{text!r} is not NAME=FILE", param_hint=option)
        return name, file

    return split
