"""Rounds and formats numbers as JavaScript does, so that both workers pass identical arguments to ffmpeg."""
import math
from decimal import ROUND_HALF_UP, Decimal

Number = int | float


def rounded(value: Number) -> int:
    """The nearest integer, halves upwards: `Math.round` (ECMA-262, 21.3.2.28)."""
    below = math.floor(value)
    return below + 1 if value - below >= 0.5 else below


def micros(seconds: Number) -> float:
    """Rounded to microseconds, ffmpeg's resolution; it parses no exponents."""
    return rounded(seconds * 1e6) / 1e6


def fixed(value: Number, digits: int) -> str:
    """`toFixed` (ECMA-262, 21.1.3.3): of two equally near values the larger."""
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))


def text(value: Number) -> str:
    """`String(value)` (ECMA-262, 6.1.6.1.20): the shortest digits that identify the value."""
    if value == 0:
        return "0"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    figures = "".join(map(str, digits))
    # Position of the decimal point, counted from the first digit.
    point = len(figures) + exponent
    if len(figures) <= point <= 21:
        written = figures + "0" * (point - len(figures))
    elif 0 < point <= 21:
        written = f"{figures[:point]}.{figures[point:]}"
    elif -6 < point <= 0:
        written = f"0.{'0' * -point}{figures}"
    else:
        fraction = f".{figures[1:]}" if len(figures) > 1 else ""
        written = f"{figures[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"-{written}" if sign else written


def even(value: Number) -> int:
    """The nearest even integer, at least 2: 4:2:0 pictures have even dimensions."""
    return max(2, rounded(value / 2) * 2)
