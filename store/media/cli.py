"""`flask films ingest`: a master's way into the shop, from the command line."""

from pathlib import Path

import click

from store.catalogue.cli import commands
from store.gateways.media_store import Busy, NotThere
from store.gateways.packager import MasterRefused, PackagingFailed
from store.gateways.webvtt import Subtitle, SubtitlesRefused
from store.media.publish import UnknownFilm, order, publish

STEPS = {"probe": "looking at the master", "encode": "encoding", "package": "cutting", "verify": "verifying"}
BAR_LENGTH = 1000

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@commands.command("ingest")
@click.argument("slug")
@click.argument("master", type=FILE)
@click.option("--subtitles", multiple=True, metavar="LANGUAGE=FILE", help="WebVTT or SubRip, once per language.")
def ingest_command(slug: str, master: Path, subtitles: tuple[str, ...]) -> None:
    """Encode, package, verify and publish MASTER as the film SLUG."""
    try:
        order(slug, master, [_subtitle(option) for option in subtitles])
        recipe = _publish_with_a_bar(slug)
    except (UnknownFilm, NotThere, Busy, MasterRefused, SubtitlesRefused, PackagingFailed) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{slug} is published as {recipe}.")


def _publish_with_a_bar(slug: str) -> str:
    with click.progressbar(length=BAR_LENGTH, label=slug, item_show_func=_named_step) as bar:

        def show(step: str, fraction: float) -> None:
            bar.update(max(0, round(fraction * BAR_LENGTH) - bar.pos), step)

        recipe = publish(slug, show)
        bar.update(BAR_LENGTH - bar.pos)
    return recipe


def _named_step(step: str | None) -> str | None:
    return STEPS.get(step or "")


def _subtitle(option: str) -> Subtitle:
    language, equals, file = option.partition("=")
    if not equals or not Path(file).is_file():
        raise click.BadParameter(f"{option!r} is not LANGUAGE=FILE with a file that exists", param_hint="--subtitles")
    return Subtitle(language, Path(file))
