"""Being told to stop.

Python runs a signal's handler in the main thread, between any two of its steps: also while that thread holds the lock of an
Event. A handler that sets the Event then waits for itself for ever, which happens when two signals come at once. What a
handler may do at any moment is to put something into a SimpleQueue. And the handler runs only once the main thread does
something: a signal that another thread has taken does not wake it. So nobody waits longer than a moment at a time.
"""

import signal
from collections.abc import Callable
from queue import Empty, SimpleQueue

Told = Callable[[float], bool]


def told_to_stop(*numbers: int) -> Told:
    """A question for the main thread: has one of these signals come, now or within so many seconds?"""
    told: SimpleQueue[int] = SimpleQueue()
    for number in numbers:
        signal.signal(number, lambda number, _frame: told.put(number))

    def ask(seconds: float) -> bool:
        try:
            told.get(timeout=seconds)
        except Empty:
            return False
        return True

    return ask
