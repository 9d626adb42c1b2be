"""Answers that a browser keeps as a file."""

from flask import Response


def download(filename: str, content: str | bytes, mimetype: str) -> Response:
    """The content under this name, for whom it was made alone."""
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response
