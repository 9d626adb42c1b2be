"""What the sandbox knows by heart: how objects look, what may be asked for, and what follows from an act."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SHAPES, PARAMETERS, CONDUCT = (
    json.loads((FOLDER / name).read_text()) for name in ("shapes.json", "parameters.json", "conduct.json")
)
Object = dict[str, Any]
