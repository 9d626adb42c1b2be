"""The door for WSGI servers and for `flask --app wsgi`."""

import os

from config import SettingError, load
from store import create_app

try:
    app = create_app(load(os.environ))
except SettingError as error:
    raise SystemExit(str(error)) from None
