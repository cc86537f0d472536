"""
Checking JSON values field by field. The first field that is wrong is named in the failure. Fields that are not known
are let through: the service refuses those, and a newer service may send more than this worker knows.
"""
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from .failure import invalid_params

#: Turns a value into what it means, or raises `Wrong`.
Check = Callable[[Any], Any]


class Wrong(Exception):
    """`path` leads from the value that was checked to what is wrong in it."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def below(self, key: str | int) -> "Wrong":
        return Wrong(self.message, (key, *self.path))


class _Missing:
    """What a field holds that is not there; `null` is something else."""


MISSING = _Missing()


def parse(check: Check, value: Any, what: str) -> Any:
    """Holds `value` to `check`; raises `invalid_params` with `what` and the first field that is wrong."""
    try:
        return check(value)
    except Wrong as wrong:
        place = ".".join(str(key) for key in wrong.path) or "it"
        raise invalid_params(f"{what}: {place}: {wrong.message}") from None


def fields(**checks: Check) -> Check:
    """An object with these fields; an array counts as one without any."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict | list):
            raise Wrong("must be an object")
        held = value if isinstance(value, dict) else {}
        found: dict[str, Any] = {}
        for key, inner in checks.items():
            try:
                found[key] = inner(held.get(key, MISSING))
            except Wrong as wrong:
                raise wrong.below(key) from None
        return found

    return check


def optional(inner: Check, standard: Any = None) -> Check:
    """May be left out, and is `standard` then; `null` is not the same as left out."""
    return lambda value: standard if value is MISSING else inner(value)


def nullish(inner: Check, standard: Any = None) -> Check:
    """May be left out or null, and is `standard` then."""
    return lambda value: standard if value is MISSING or value is None else inner(value)


def number(least: float | None = None, most: float | None = None, above: float | None = None) -> Check:
    """A finite or infinite number within its bounds; `above` excludes its bound."""

    def check(value: Any) -> int | float:
        # A bool is an int to Python, and nothing of the kind to JSON.
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise Wrong("must be a number")
        exact = _as_double(value)
        if least is not None and exact < least:
            raise Wrong(f"must be at least {least:g}")
        if above is not None and exact <= above:
            raise Wrong(f"must be above {above:g}")
        if most is not None and exact > most:
            raise Wrong(f"must be at most {most:g}")
        return exact

    return check


def even_number(least: int, most: int) -> Check:
    bounded = number(least, most)

    def check(value: Any) -> int:
        exact = bounded(value)
        if exact != int(exact):
            raise Wrong("must be a whole number")
        if exact % 2 != 0:
            raise Wrong("must be even")
        return int(exact)

    return check


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("must be a text")
    return value


def matching(pattern: str, says: str) -> Check:
    """A string that is all of `pattern`; `\\d` means the ten ASCII digits."""
    form = re.compile(pattern, re.ASCII)

    def check(value: Any) -> str:
        if form.fullmatch(string(value)) is None:
            raise Wrong(says)
        return value

    return check


def one_of(*values: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise Wrong(f"must be one of {', '.join(values)}")
        return value

    return check


def list_of(inner: Check) -> Check:
    def check(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Wrong("must be a list")
        found = []
        for index, item in enumerate(value):
            try:
                found.append(inner(item))
            except Wrong as wrong:
                raise wrong.below(index) from None
        return found

    return check


def variant(key: str, checks: dict[str, Check]) -> Check:
    """An object of one of several shapes; its field `key` says which."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict | list):
            raise Wrong("must be an object")
        name = value.get(key, MISSING) if isinstance(value, dict) else MISSING
        shape = checks.get(name) if isinstance(name, str) else None
        if shape is None:
            raise Wrong(f"must be one of {', '.join(checks)}", (key,))
        return shape(value)

    return check


def record_of(inner: Check) -> Check:
    """An object with any names; an array counts as one with its indices."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict | list):
            raise Wrong("must be an object")
        items: Sequence[tuple[str, Any]] = (
            list(value.items()) if isinstance(value, dict) else [(str(n), each) for n, each in enumerate(value)]
        )
        found = {}
        for name, item in items:
            try:
                found[name] = inner(item)
            except Wrong as wrong:
                raise wrong.below(name) from None
        return found

    return check


def _as_double(value: int | float) -> int | float:
    """JSON's numbers are doubles; Python would keep more digits of a whole number."""
    if isinstance(value, float) or abs(value) <= 2**53:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
