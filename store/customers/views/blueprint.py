"""The one blueprint of the customers' pages: its addresses stand in the files beside this one."""

from flask import Blueprint
from werkzeug.wrappers import Response

blueprint = Blueprint("customers", __name__)


def refused(response: Response) -> bool:
    """Whether the answer refuses what a form held: such tries are counted."""
    return response.status_code == 422
