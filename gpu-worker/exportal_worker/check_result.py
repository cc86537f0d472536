"""Compares a result with its plan, by its streams, since the container's duration proves nothing."""
from collections.abc import Sequence

from .failure import JobFailure, invalid_media
from .media import Media
from .numbers import fixed, rounded
from .plan import Plan

#: The time span of a stream; seconds.
Span = tuple[float, float]


def check_result(given: Media, plan: Plan, result: Media) -> None:
    """
    Raises `invalid_media`, for a damaged input, when picture or sound is shorter than in the input, has a gap, or is
    out of sync. Raises `worker_error` when the result has other properties than planned.
    """
    edit = plan.edit
    wanted = plan.times
    rate = edit.output.fps
    slack = max(0.5, edit.duration * 0.02) + (0 if rate is None else 1 / rate)
    picture = _clip((wanted[0] if wanted else edit.start, given.picture.end), plan)
    made = (result.picture.times[0], result.picture.end)
    # The duration of the last frame is not always preserved.
    lacking = 0 if plan.hold or not wanted else picture[1] - wanted[-1]
    _compare("picture", made, picture, slack, lacking)
    longest = _gap(result.picture.times)
    if longest > _gap([*wanted, picture[1]]) + slack:
        raise _damaged(f"The result's picture stands still for {fixed(longest, 2)} s")
    expected = len(wanted) if rate is None else rounded((picture[1] - picture[0]) * rate)
    frames = len(result.picture.times)
    if frames == 1 and expected > 1:
        raise _damaged("The result has a single frame")
    sound = _clip((plan.sound.start, plan.sound.end), plan) if plan.sound else None
    if sound is None and result.sound is not None:
        raise _unplanned("has sound that was not planned")
    # Less than a few packets of sound may encode to none.
    if sound is not None and result.sound is None and sound[1] - sound[0] > 0.1:
        raise _unplanned("has no sound")
    if sound is not None and result.sound is not None:
        written = (result.sound.start, result.sound.end)
        _compare("sound", written, sound, slack)
        apart = abs(made[0] - written[0] - (picture[0] - sound[0]))
        if apart > 0.25 + (0 if rate is None else 1 / rate):
            raise _damaged(f"The result's sound and picture are {fixed(apart, 2)} s apart")
    if frames > expected * 1.1 + 2:
        raise _unplanned(f"has {frames} frames instead of {expected}")
    size = plan.target
    if result.picture.turn != "none":
        raise _unplanned("is not upright")
    if (result.width, result.height) != (size.width, size.height):
        raise _unplanned(f"is {result.width}x{result.height} instead of {size.width}x{size.height}")
    colours = (result.picture.transfer, result.picture.matrix, result.picture.range)
    if colours != ("bt709", "bt709", "tv"):
        raise _unplanned(f"has the colours {', '.join(colours)}")


def _clip(span: Span, plan: Plan) -> Span:
    edit = plan.edit
    return max(span[0], edit.start), min(span[1], edit.start + edit.duration)


def _compare(what: str, made: Span, wanted: Span, slack: float, lacking: float = 0) -> None:
    """`lacking` is an additional tolerance for the end."""
    got, expected = made[1] - made[0], wanted[1] - wanted[0]
    if got > expected + slack or got < expected - slack - lacking:
        raise _damaged(f"The result's {what} is {fixed(got, 2)} s long instead of {fixed(expected, 2)} s")


def _gap(times: Sequence[float]) -> float:
    """The longest time between two frames."""
    return max((after - before for before, after in zip(times, times[1:])), default=0)


def _damaged(what: str) -> JobFailure:
    return invalid_media(f"{what}; the input seems to be damaged.")


def _unplanned(what: str) -> JobFailure:
    """Not retryable: a repeat would have the same result."""
    return JobFailure("worker_error", f"The worker made a wrong file, which was not stored: it {what}.", False)
