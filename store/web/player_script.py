"""The player out of a module per noun, joined at start: one file to fetch when play is pressed, its address a mark of its content.

So a browser asks once instead of nine times, keeps the answer for a year, and never mixes the modules of two releases.
"""

import re
from hashlib import blake2b
from pathlib import Path

from flask import Flask, Response, abort, url_for

from store.web.stylesheet import for_a_year

PARTS = ("memory", "sprites", "preview", "choices", "controls", "keyboard", "stream", "engine")
"""In an order in which each follows what it imports; `player.js` is the last and alone exports something."""

OWN_IMPORT = re.compile(r'^import \{[^}]*\} from "\./player-[a-z]+\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=async |class |const |function )", re.MULTILINE)


def init_app(app: Flask) -> None:
    """Serve the script at `/player-<hash>.js`; give templates `player_url()`."""
    script = join_modules(Path(app.static_folder or "static") / "js")
    script_mark = blake2b(script.encode(), digest_size=6).hexdigest()

    @app.get("/player-<mark>.js")
    def player_script(mark: str) -> Response:
        if mark != script_mark:
            abort(404)
        return for_a_year(Response(script, mimetype="text/javascript"))

    app.add_template_global(lambda: url_for("player_script", mark=script_mark), "player_url")


def join_modules(folder: Path) -> str:
    """The modules of the player as one. They then share one scope: a name that two of them declare is an error in the browser."""
    parts = [EXPORT.sub("", (folder / f"player-{name}.js").read_text(encoding="utf-8")) for name in PARTS]
    parts.append((folder / "player.js").read_text(encoding="utf-8"))
    return "\n".join(OWN_IMPORT.sub("", part) for part in parts)
