"""Sending files of films, whole or in the part that was asked for."""

import os
from io import BufferedReader
from typing import Any, BinaryIO
from urllib.parse import quote

from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper, wrap_file

from store.gateways.media_store import media_store
from store.gateways.mp4 import NAME, MarkedFile, mark_of
from store.media.download import Download
from store.playback.take_home import name_at_home

CHUNK_BYTES = 256 * 1024

Environ = dict[str, Any]
"""WSGI's, of the request that is answered."""


def for_nginx(film: str, recipe: str, name: str) -> Response:
    """An answer that nginx fills with the file, from a place that only the shop can name (`deploy/nginx/media.conf`).

    Raises NotThere, OutOfReach: what nginx itself does not find it asks the shop for.
    """
    media_store().open(film, recipe, name).close()
    return Response(headers={"X-Accel-Redirect": f"/_films/{film}/{recipe}/{name}"})


def published(environ: Environ, film: str, recipe: str, name: str) -> Response:
    """A published file. Its name says its content: nothing published changes. Raises NotThere, OutOfReach."""
    file = media_store().open(film, recipe, name)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    response = Response(wrap_file(environ, file, CHUNK_BYTES), direct_passthrough=True)
    return _answered(response, environ, size, f"{recipe}-{name.replace('/', '-')}")


def to_take_home(environ: Environ, ready: Download, entitlement_id: int, comment: str) -> Response:
    """The film's file with the buyer's comment in it, to be kept under the film's name. Raises NotThere, OutOfReach."""
    stored: BinaryIO = media_store().open(ready.folder, ready.version, NAME)
    file = BufferedReader(MarkedFile(stored, mark_of(comment), ready.mark_at), CHUNK_BYTES)
    response = Response(FileWrapper(file, CHUNK_BYTES), mimetype="video/mp4", direct_passthrough=True)
    response.headers["Cache-Control"] = "private, no-cache"
    name = quote(name_at_home(ready.title, ready.year))
    response.headers["Content-Disposition"] = f"attachment; filename={ready.film}.mp4; filename*=UTF-8''{name}"
    return _answered(response, environ, ready.size_bytes, f"{ready.version}-{entitlement_id}")


def _answered(response: Response, environ: Environ, size_bytes: int, etag: str) -> Response:
    response.content_length = size_bytes
    response.set_etag(etag)
    return response.make_conditional(environ, accept_ranges=True, complete_length=size_bytes)
