"""Allocators and arenas, one thread, no executor."""

from frame.model import Work

MICRO: tuple[Work, ...] = ()
