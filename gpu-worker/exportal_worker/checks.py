"""
Validates JSON values field by field. The failure identifies the first invalid field. Unknown fields are accepted: the
service refuses those of clients, and a newer service may send fields that this worker does not have.
"""
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from .failure import invalid_params

#: Converts a value to its parsed form, or raises `Wrong`.
Check = Callable[[Any], Any]


class Wrong(Exception):
    """`path` leads from the validated value to the invalid part of it."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def below(self, key: str | int) -> "Wrong":
        return Wrong(self.message, (key, *self.path))


class _Missing:
    """The value of an absent field, as opposed to `null`."""


MISSING = _Missing()


def parse(check: Check, value: Any, what: str) -> Any:
    """Validates `value` by `check`; raises `invalid_params` with `what` and the first invalid field."""
    try:
        return check(value)
    except Wrong as wrong:
        place = ".".join(str(key) for key in wrong.path) or "it"
        raise invalid_params(f"{what}: {place}: {wrong.message}") from None


def fields(**checks: Check) -> Check:
    """An object with these fields; an array is treated as an object without fields."""

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
    """The field may be absent, and is `standard` then; `null` does not count as absent."""
    return lambda value: standard if value is MISSING else inner(value)


def nullish(inner: Check, standard: Any = None) -> Check:
    """The field may be absent or null, and is `standard` then."""
    return lambda value: standard if value is MISSING or value is None else inner(value)


def number(least: float | None = None, most: float | None = None, above: float | None = None) -> Check:
    """A finite or infinite number within its bounds; the bound `above` is exclusive."""

    def check(value: Any) -> int | float:
        # In Python a bool is an int, in JSON it is not a number.
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


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("must be true or false")
    return value


def matching(pattern: str, says: str) -> Check:
    """A string that matches `pattern` completely; `\\d` means the ten ASCII digits."""
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
    """An object of one of several shapes, selected by its field `key`."""

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
    """An object with arbitrary names; an array is treated as an object with its indices."""

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
    """JSON's numbers are doubles; Python would keep more digits of an integer."""
    if isinstance(value, float) or abs(value) <= 2**53:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
