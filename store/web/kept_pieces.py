"""Pieces of pages that are the same for everybody, kept by this process until anything shown changes.

Whoever is signed in gets pages of their own, but most of such a page is everybody's: the wall, a film's credits, the yellow band.
A piece is drawn from the facts that it is handed and from nothing else: a template of a piece that names the visitor, the request or
a form's token fails, so that no piece can hold anything personal. It is kept under the version of what is shown
(`store/shown.py`) that stood before its facts were read, and for the shop's day, since prices depend on it.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from store import clock
from store.db import db
from store.language import language, site
from store.shown import version_at
from store.web.kept_pages import version_seen

MOST_KEPT = 1_000
"""Pieces and facts together, of some kilobytes each."""

PERSONAL = (
    *("current_user", "credit_cents", "open_alerts"),
    *("request", "session", "g", "csrf_token", "get_flashed_messages", "page_in", "same_page_in"),
)
"""What templates know of a visitor and of their request: in a piece, whatever is done with one of these names is an error."""

Key = tuple[object, ...]
Made = TypeVar("Made")


class KeptPieces:
    """What was made for one version of what is shown, the least used of it dropped where it becomes too much."""

    def __init__(self) -> None:
        self._version = -1
        self._made: OrderedDict[Key, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, version: int, key: Key) -> Any:
        """What was made under this key for this version, or None."""
        with self._lock:
            if version != self._version or key not in self._made:
                return None
            self._made.move_to_end(key)
            return self._made[key]

    def put(self, version: int, key: Key, made: Any) -> None:
        """Keep it, unless a later version is shown already."""
        with self._lock:
            if version > self._version:
                self._version, self._made = version, OrderedDict()
            if version == self._version:
                self._made[key] = made
                if len(self._made) > MOST_KEPT:
                    self._made.popitem(last=False)


def init_app(app: Flask) -> None:
    """Begin with nothing kept; give templates `fixed_piece(template, …)`."""
    app.extensions["kept_pieces"] = KeptPieces()
    app.extensions["fixed_pieces"] = {}
    app.add_template_global(fixed_piece)


def version_shown() -> int:
    """The version of what is shown that this request sees, asked for once."""
    if "version_shown" not in g:
        seen = version_seen()
        g.version_shown = _ask_version() if seen is None else seen
    return cast(int, g.version_shown)


def _ask_version() -> int:
    """On a connection of its own: where all pieces are kept, no session is needed."""
    with db.engine.connect() as connection:
        return version_at(connection)


def kept(make: Callable[[], Made], *key: object) -> Made:
    """What `make` gives, made once for a version, a day and `key`, on which alone it depends; None is made anew each time."""
    pieces: KeptPieces = current_app.extensions["kept_pieces"]
    version, whole_key = version_shown(), (clock.today(), *key)
    made: Made | None = pieces.get(version, whole_key)
    if made is None:
        made = make()
        if made is not None:
            pieces.put(version, whole_key, made)
    return made


def piece(template: str, facts: Callable[[], Mapping[str, Any]], *key: object) -> Markup:
    """The template drawn with `facts` in the language of the page; neither is done where it is kept. `facts` depend on `key` alone."""
    return kept(lambda: _draw(template, facts()), template, language(), *key)


def fixed_piece(template: str, **facts: Hashable) -> Markup:
    """A piece of the frame of every page, drawn once for its facts and a language: nothing in it comes from the database."""
    drawn: dict[Key, Markup] = current_app.extensions["fixed_pieces"]
    key = (template, language(), *facts.items())
    if key not in drawn:
        drawn[key] = _draw(template, facts)
    return drawn[key]


def _draw(template: str, facts: Mapping[str, Any]) -> Markup:
    everybodys = {"lang": language(), "site": site(), "shop_name": current_app.config["SHOP_NAME"]}
    drawn = _stage(current_app).get_template(template).render(everybodys, **facts)
    return Markup(drawn)  # noqa: S704  # a template of ours has escaped what it was given


def _stage(app: Flask) -> Environment:
    """The shop's templates, played to nobody in particular."""
    if "stage_of_pieces" not in app.extensions:
        stage = app.jinja_env.overlay()
        stage.globals = {**stage.globals, **{name: StrictUndefined(name=name) for name in PERSONAL}}
        app.extensions["stage_of_pieces"] = stage
    return cast(Environment, app.extensions["stage_of_pieces"])
