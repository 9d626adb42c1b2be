"""The one blueprint of the customers' pages: its addresses stand in the files beside this one."""

from flask import Blueprint, make_response
from werkzeug.wrappers import Response

blueprint = Blueprint("customers", __name__)


def refused(response: Response) -> bool:
    """Whether the answer refuses what a form held: such tries are counted."""
    return response.status_code == 422


def behind_a_link(page: str, status: int) -> Response:
    """A page behind a mailed link: its address is told to nobody, and no copy of it is kept."""
    answer = make_response(page, status)
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer
