"""The one blueprint of the desk: its addresses stand in the files beside this one."""

from flask import Blueprint

from store.web.desk import DESK

blueprint = Blueprint("backoffice", __name__, url_prefix=DESK)
