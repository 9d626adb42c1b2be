"""The one blueprint of the checkout's pages: its addresses stand in the files beside this one."""

from flask import Blueprint

blueprint = Blueprint("checkout", __name__)
