"""Says on a terminal what runs now and how long it will take."""

import sys
from collections.abc import Callable
from typing import Any


class ProgressLine:
    """One line of the terminal, written over; nothing where there is no terminal."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()

    def __call__(self, what: str, left: float) -> None:
        if self.shown:
            minutes, seconds = divmod(max(0, round(left)), 60)
            print(f"\r\x1b[K{what[:70]}, {minutes}:{seconds:02} left", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def with_progress(action: Callable[[ProgressLine], Any]) -> Any:
    line = ProgressLine()
    try:
        return action(line)
    finally:
        line.clear()
