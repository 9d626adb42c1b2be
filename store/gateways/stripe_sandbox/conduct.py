"""How test cards and IBANs and refunds behave, what a movement costs, which events tell of an act: `conduct.json`."""

import json

from .state import FOLDER

CONDUCT = json.loads((FOLDER / "conduct.json").read_text())
METHODS, REFUNDS, BOOKINGS, FAULTS, SCENES = (
    CONDUCT[part] for part in ("methods", "refunds", "bookings", "faults", "scenes")
)
SETTLES_AFTER_S = 3 * 86_400
