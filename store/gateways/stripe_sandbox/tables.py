"""What the sandbox knows by heart: how objects look, what may be asked for, what follows from an act, and how Stripe refuses."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SHAPES, PARAMETERS, CONDUCT = (
    json.loads((FOLDER / name).read_text()) for name in ("shapes.json", "parameters.json", "conduct.json")
)
Object = dict[str, Any]


class Refusal(Exception):
    """A request that Stripe would refuse; `body` is the JSON that it would answer."""

    def __init__(
        self, message: str, code: str = "", param: str = "", *, status: int = 400, kind: str = "invalid_request_error"
    ) -> None:
        super().__init__(message)
        self.status, self.code = status, code
        facts = {"type": kind, "message": message, "code": code, "param": param}
        self.body = {"error": {name: fact for name, fact in facts.items() if fact}}
