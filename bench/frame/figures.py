"""Figures of the last run in what is written by hand: text between <!--= WHAT --> and <!--/--> is WHAT's, by build/bench.json.

  flat_native/mayfly                              what that contender of that work took, as in the table
  flat_native/heap - flat_native/bare_heap        how much one took more than the other
  flat_native/heap : flat_native/mayfly           how many times as much
  flat_native/mayfly saves flat_native/heap       how many per cent less
"""

import re
from collections.abc import Iterable
from typing import Any

from frame.table import number

MARKED = re.compile(r"(<!--= (.+?) -->).*?(<!--/-->)", re.DOTALL)
TERM = r"(\w+)/(\w+(?: \+ \w+)?)"
ONE = re.compile(TERM)
TWO = re.compile(rf"{TERM} (-|:|saves) {TERM}")


def filled(text: str, rows: Iterable[dict[str, Any]]) -> str:
    """Ends the program where there is no such figure: a page that says something else would be worse."""
    by_key: dict[str, dict[str, float]] = {}
    for row in rows:
        by_key.setdefault(row["key"], {}).update(row["peers"])
        if row["ours"] is not None:
            by_key[row["key"]][row["contender"]] = row["ours"]
    return MARKED.sub(lambda found: f"{found[1]}{said(found[2], by_key)}{found[3]}", text)


def said(what: str, by_key: dict[str, dict[str, float]]) -> str:
    if one := ONE.fullmatch(what):
        return number(value(what, by_key, *one.groups()))
    two = TWO.fullmatch(what)
    if not two:
        raise SystemExit(f"scripts/bench: '{what}' names no figure; bench/frame/figures.py says how")
    a, b = value(what, by_key, two[1], two[2]), value(what, by_key, two[4], two[5])
    if two[3] == "-":
        return number(a - b)
    return f"{a / b:.2f}" if two[3] == ":" else f"{100 * (1 - a / b):.1f}"


def value(what: str, by_key: dict[str, dict[str, float]], key: str, name: str) -> float:
    try:
        return by_key[key][name]
    except KeyError as error:
        raise SystemExit(f"scripts/bench: '{what}': the last run has no figure {key}/{name}") from error
