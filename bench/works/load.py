"""Executors under load: submission, latency, memory, wake-up, scaling."""

from frame.model import Work

LOAD: tuple[Work, ...] = ()
