"""Real requests, the four shapes in instructions, cost as work grows."""

from frame.model import Work

SHAPES: tuple[Work, ...] = ()
