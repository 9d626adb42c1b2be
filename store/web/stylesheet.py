"""One style sheet out of a file per component, joined at start; it and every static file have addresses that never change their content."""

import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path

from flask import Flask, Response, abort, request

FIRST = ("tokens.css", "base.css")
ONE_YEAR_S = 31_536_000


def init_app(app: Flask) -> None:
    """Serve the sheet at `/style-<hash>.css`; give templates `stylesheet_url()` and `asset_url(name)`."""
    folder = Path(app.static_folder or "static")

    @cache
    def asset_url(name: str) -> str:
        """The address of a file under `static/`, with a mark of its content."""
        return f"{app.static_url_path}/{name}?v={_digest((folder / name).read_bytes())}"

    sheet = join_sheets(folder / "css", asset_url)
    sheet_hash = _digest(sheet.encode())

    @app.get("/style-<mark>.css")
    def stylesheet(mark: str) -> Response:
        if mark != sheet_hash:
            abort(404)
        return for_a_year(Response(sheet, mimetype="text/css"))

    app.add_template_global(lambda: f"/style-{sheet_hash}.css", "stylesheet_url")
    app.add_template_global(asset_url, "asset_url")
    app.after_request(_keep_marked_files)


def join_sheets(folder: Path, address_of: Callable[[str], str]) -> str:
    """All sheets of the folder as one: tokens, base, components, rooms; `url("…")` goes through `address_of`."""
    names = [folder / name for name in FIRST]
    names += sorted((folder / "components").glob("*.css")) + sorted((folder / "rooms").glob("*.css"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in names)
    return re.sub(r'url\("([^"]+)"\)', lambda match: f'url("{address_of(match[1])}")', _without_air(text))


def _without_air(css: str) -> str:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};,]) ?", r"\1", css).replace(";}", "}").strip()


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=6).hexdigest()


def _keep_marked_files(response: Response) -> Response:
    if request.endpoint == "static" and "v" in request.args and response.status_code == 200:
        return for_a_year(response)
    return response


def for_a_year(response: Response) -> Response:
    """Let everybody keep an answer whose address marks its content."""
    response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR_S}, immutable"
    return response
