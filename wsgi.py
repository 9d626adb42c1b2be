"""The door for WSGI servers and for `flask --app wsgi`."""

import gc
import os

from config import SettingError, load
from store import create_app

try:
    app = create_app(load(os.environ))
except SettingError as error:
    raise SystemExit(str(error)) from None

# What was made at start stays for ever. The collector need not look at it again, and the processes of a server that forks go on
# sharing its memory: looking would write to every page of it.
gc.collect()
gc.freeze()
