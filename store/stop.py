"""Named steps at which a check may kill the process, to see that a restart finds exactly one effect.

`docs/stop-points.md` lists the names. Production refuses the setting.
"""

import os
import signal

from flask import current_app


def stop_at(step: str) -> None:
    """Kill this process, as a power cut would, when SHOP_STOP_AT names `step`."""
    if current_app.config["SHOP_STOP_AT"] == step:
        os.kill(os.getpid(), signal.SIGKILL)
