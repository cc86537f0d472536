"""
Translates a job to ffmpeg's arguments, without running anything. A job type describes its changes to the picture as an
`Edit`; this file assembles the command. ffmpeg runs inside the job's own directory and every file in it has a fixed
name, so no text or path of a user is ever parsed as part of a filter.
"""
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from .colour import TAG_ARGS, encodable, is_wide, normalised
from .edit import Drawn, Edit, Filter, JobType, Lay
from .failure import JobFailure, invalid_params
from .media import Media, Picture, Size, Sound
from .numbers import even, micros, rounded, text
from .orientation import turn_filters
from .output import encoder_args, fitted, output_size, sound_args, uses_nvenc
from .text.typesetter import Typesetter
from .types import NEEDS, TYPES

INPUT_NAME = "input"


def image_name(index: int) -> str:
    """The file name of the image with this index, in the job's directory."""
    return f"image-{index}"


#: The maximum of H.264's levels (ITU-T H.264, table A-1).
_MAX_LONG, _MAX_SHORT = 8192, 4320

#: How far before the start to seek in a container without an exact index, seconds: more than a group of pictures.
_COARSE = 30

#: Encoders do not store frame durations, so the last one's is lost. Up to this it is negligible; seconds.
_UNTOLD = 0.25

#: Tolerance for rounded timestamps, so that a frame is not skipped; seconds.
_EARLY = 0.001

#: The least time between two frames, so that none is dropped where times are rounded; milliseconds.
_APART = 10

#: One frame for each frame of two fields, at its time; others pass unchanged.
_DEINTERLACE = "bwdif=mode=send_frame:deint=interlaced"

#: The demuxer of an image, and its orientation.
ImageFacts = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """`target` is the size of the result, `sound` is its sound."""

    edit: Edit
    media: Media
    target: Size
    sound: Sound | None

    @property
    def output_name(self) -> str:
        return f"output.{self.edit.output.container}"

    @property
    def _exact(self) -> bool:
        """
        MP4 and Matroska are seeked exactly; other containers may be entered too late, so seeking starts well before.
        """
        return self.media.demuxer in ("mov", "matroska")

    @property
    def times(self) -> list[float]:
        """When each frame of the result is shown; seconds of the input."""
        start, end = self.edit.start, self.edit.start + self.edit.duration
        within = [at for at in self.media.picture.times if start <= at < end]
        more = [tick / 1000 for tick in self._ticks] if self._still is None else [start]
        return sorted([*within, *more])

    @property
    def _still(self) -> float | None:
        """The time of the frame that is shown before the first one of the span; None when that begins at once."""
        picture, start = self.media.picture, self.edit.start
        before = next((at for at in reversed(picture.times) if at < start), None)
        following = next((at for at in picture.times if at >= start), math.inf)
        if before is None or picture.end <= start:
            return None
        return before if following - start > _UNTOLD or following >= start + self.edit.duration else None

    @property
    def _coarse(self) -> int | float:
        start, still = self.edit.start, self._still
        first = start if still is None else max(0, micros(still - _EARLY))
        return first if self._exact else max(0, min(first, start - _COARSE))

    @property
    def _entry(self) -> list[str]:
        """Filters that begin with the frame at `_still` and show it from the start of the span on."""
        still, zero = self._still, self._coarse
        if still is None:
            return []
        first = max(0, micros(still - zero - _EARLY))
        return [f"select='gte(t,{text(first)})'", f"setpts='max(PTS,ceil({text(micros(self.edit.start - zero))}/TB))'"]

    @property
    def _ticks(self) -> list[int]:
        """
        When a frame that stands still is shown again, because an item appears or disappears meanwhile: filters draw on
        frames only. Milliseconds.
        """
        picture = self.media.picture
        until = min(picture.end, self.edit.duration)
        ticks = []
        for at in sorted(self.edit.changes):
            index = bisect_right(picture.times, at)
            before = picture.times[index - 1] if index > 0 else at
            following = picture.times[index] if index < len(picture.times) else until
            if before != at and following - at > _UNTOLD:
                ticks.append(math.ceil(max(at * 1000, before * 1000 + _APART)))
        return [tick for tick, after in pairwise([*ticks, math.inf]) if after - tick >= _APART]

    @property
    def _is_part(self) -> bool:
        return self.edit.start > 0 or self.edit.duration < self.media.duration

    @property
    def hold(self) -> list[str]:
        """Filters that repeat the last frame at its end, so that it keeps its duration."""
        picture, zero, still = self.media.picture, self._coarse, self._still
        if not self._exact and zero > 0 and still is None:
            return []
        start, end = self.edit.start, self.edit.start + self.edit.duration
        first = zero if still is None else still
        shown = [at for at in picture.times if first <= at < end]
        until = min(picture.end, end)
        if until - max(start, shown[-1] if shown else until) <= _UNTOLD:
            return []
        at = rounded((until - zero) * 1000 - 2) / 1000
        return [
            # `start` counts frames from 1.
            f"loop=loop=1:size=1:start={len(shown)}",
            f"setpts='if(eq(N,{len(shown)}),{text(at)}/TB,PTS)'",
            # Removes the frame rate, the reciprocal of which newer versions take as the duration of the last frame.
            "interleave=nb_inputs=1",
        ]

    def args(self, images: Sequence[ImageFacts], nvenc: bool = False, fps_mode: bool = False) -> list[str]:
        """
        ffmpeg's arguments for these images, in their order. `nvenc` allows the GPU's encoder, `fps_mode` selects the
        option that this ffmpeg supports.
        """
        edit, media, output = self.edit, self.media, self.edit.output
        coarse = self._coarse
        # An encoder with a constant rate moves frames by up to half a frame, even beyond the end of a span.
        repeats = bool(self.hold or self._ticks)
        own_times = output.fps is None and (not media.picture.constant or self._is_part or repeats)
        on_gpu = nvenc and uses_nvenc(self.target, output)
        return [
            *["-hide_banner", "-nostdin", "-v", "error", "-y", "-nostats", "-progress", "pipe:1"],
            *(["-itsoffset", text(-media.lead)] if media.lead > 0 else []),
            *(["-ss", text(coarse)] if coarse > 0 else []),
            *_decoder_args(media.picture),
            *_source(media.demuxer, INPUT_NAME),
            *["-filter_complex", ";".join([self._graph(images), *_joined(self.sound)])],
            *["-map", "[out]", *([] if self.sound is None else ["-map", _input_of(self.sound)])],
            *(["-ss", text(micros(edit.start - coarse))] if edit.start > coarse else []),
            *(["-t", text(edit.duration)] if self._is_part else []),
            # Removes the place of recording for privacy, and chapters, which may outlast the result; rotation is
            # already applied.
            *["-map_metadata", "-1", "-map_chapters", "-1"],
            # Keeps each frame's time: none is repeated, moved or dropped to fit a constant rate.
            *["-fps_mode" if fps_mode else "-vsync", "vfr"],
            # With a finer time base older versions give the last frame no duration, so that players do not show it.
            *(["-enc_time_base:v", "1:960"] if own_times else []),
            # Older versions fail when one stream begins long after the other.
            *["-max_muxing_queue_size", "9999"],
            *TAG_ARGS,
            *encoder_args(output, _mean_rate(media.picture) if own_times else None, on_gpu),
            *([] if self.sound is None else sound_args(output, self.sound)),
            *(["-f", "webm"] if output.container == "webm" else ["-movflags", "+faststart", "-f", output.container]),
            self.output_name,
        ]

    def _graph(self, images: Sequence[ImageFacts]) -> str:
        edit, picture = self.edit, self.media.picture
        chains = []
        size = Size(even(self.media.width), even(self.media.height))
        # Side data (an orientation, brightness) is applied here, and must not be applied to the result again.
        upright = [*turn_filters(picture.turn), *normalised(picture, size, edit.in_rgb)]
        whole = [_DEINTERLACE] if picture.interlaced else []
        filters = ["sidedata=delete", *whole, *self._entry, *upright]
        source = f"[0:{picture.index}]"
        ticks = self._ticks
        if ticks:
            chains += [f"{source}{','.join([*filters, *self.hold])}[film]", _clock_of(ticks, picture.end)]
            source = "[film][clock]"
            filters = ["streamselect=inputs=2:map=0"]
        for index, step in enumerate(edit.steps):
            if isinstance(step, Filter):
                filters.append(step.filter)
                continue
            chains.append(f"{source}{','.join(filters)}[below{index}]")
            chains.append(f"{_over(step, images)}[over{index}]")
            source = f"[below{index}][over{index}]"
            filters = [step.place]
        fit, scale, after = fitted(edit.size, edit.output, min(edit.duration, picture.end - edit.start))
        end = encodable(fit) if edit.in_rgb else scale
        chains.append(f"{source}{','.join([*filters, *end, *([] if ticks else self.hold), *after])}[out]")
        # To a graph with one input, versions before 7 add the side data of its stream, and so rotate a second time.
        chains.append(f"[0:{picture.index}]nullsink")
        return ";".join(chains)


def plan_job(type_name: str, params: Any, media: Media, typesetter: Typesetter) -> Plan:
    """Plans the job. Raises `invalid_params` or `invalid_media` with a sentence about the cause."""
    edit_of = _type_named(type_name)
    size = Size(even(media.width), even(media.height))
    edit = edit_of(params, replace(media, width=size.width, height=size.height), typesetter)
    target = output_size(edit.size, edit.output)
    sides = (target.width, target.height)
    if max(sides) > _MAX_LONG or min(sides) > _MAX_SHORT:
        raise invalid_params(
            f"The result would be {text(target.width)}x{text(target.height)}, but {_MAX_LONG}x{_MAX_SHORT} is the most; "
            "set output.width or output.height."
        )
    return Plan(edit, media, target, _kept(media.sound, edit))


def refuse_early(type_name: str, params: Any, missing: Sequence[str], typesetter: Typesetter) -> None:
    """Raises before anything is downloaded when the params are invalid, or need a filter in `missing`."""
    _type_named(type_name)
    needs = NEEDS.get(type_name)
    if needs is not None:
        _refuse_missing(needs(params, typesetter), missing)


def refuse_media(media: Media, missing: Sequence[str]) -> None:
    """Raises when the picture or the sound needs a filter in `missing`."""
    picture, sound = media.picture, media.sound
    wide = ["zscale", "tonemap"] if is_wide(picture) else []
    alpha = ["premultiply"] if picture.alpha else []
    fields = ["bwdif"] if picture.interlaced else []
    sides = ["join"] if sound is not None and sound.right is not None else []
    _refuse_missing([*wide, *alpha, *fields, *sides], missing)


def _type_named(type_name: str) -> JobType:
    edit_of = TYPES.get(type_name)
    if edit_of is None:
        known = ", ".join(TYPES)
        raise invalid_params(f'This worker does not know the type "{type_name}"; it knows {known}.')
    return edit_of


def _refuse_missing(needed: Sequence[str], missing: Sequence[str]) -> None:
    lacking = [name for name in needed if name in missing]
    if lacking:
        message = f"This worker's ffmpeg lacks what the job needs: {', '.join(lacking)}."
        raise JobFailure("worker_error", message, False)


def _mean_rate(picture: Picture) -> int:
    """Frames per second, as an integer."""
    rate = len(picture.times) / max(0.001, picture.end - picture.times[0])
    return min(240, max(1, rounded(rate)))


def _kept(sound: Sound | None, edit: Edit) -> Sound | None:
    """The sound, if any of it is in the selected span."""
    if sound is None or sound.start >= edit.start + edit.duration or sound.end <= edit.start:
        return None
    return sound


def _joined(sound: Sound | None) -> list[str]:
    """The chain that makes one stream of two sides."""
    if sound is None or sound.right is None:
        return []
    return [f"[0:{sound.index}][0:{sound.right}]join=inputs=2:channel_layout=stereo[sound]"]


def _input_of(sound: Sound) -> str:
    return f"0:{sound.index}" if sound.right is None else "[sound]"


def _clock_of(ticks: Sequence[int], end: float) -> str:
    """
    The chain of a second picture that has a frame at the start, at each of `ticks` and beyond the `end`: `streamselect`
    shows the first picture whenever one of the two has a frame.
    """
    every = [0, *ticks, math.ceil(end * 1000) + 1000]
    return f"color=s=16x16:r=1000:d={text(len(every) / 1000)},setpts='{_nth(every, 0)}'[clock]"


def _nth(numbers: Sequence[int], first: int) -> str:
    """The expression of the number with the index N, where the first one is that of `first`: depth is limited."""
    half = (len(numbers) + 1) // 2
    if half == len(numbers):
        return str(numbers[0])
    return f"if(lt(N,{first + half}),{_nth(numbers[:half], first)},{_nth(numbers[half:], first + half)})"


def _over(step: Lay | Drawn, images: Sequence[ImageFacts]) -> str:
    """The filter chain of an overlay's own input."""
    if isinstance(step, Drawn):
        return ",".join(step.filters)
    demuxer, turn = images[step.image]
    # Within the graph, since that is built anew when the film changes its size, and an input that has ended stays out.
    name = image_name(step.image)
    movie = f"movie@{name}=filename={name}:format_name={demuxer}"
    return ",".join([movie, *turn_filters(turn), *step.prepare])


#: The decoders that decode alpha; ffmpeg's own ones do not.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def _decoder_args(picture: Picture) -> list[str]:
    decoder = _ALPHA_DECODERS.get(picture.codec) if picture.alpha else None
    return [] if decoder is None else [f"-c:{picture.index}", decoder]


def _source(demuxer: str, name: str) -> list[str]:
    """
    The demuxer is given and only the file protocol is allowed, so that no input can make ffmpeg read anything else.
    Versions differ in which orientations they apply automatically, so this is disabled.
    """
    return ["-noautorotate", "-protocol_whitelist", "file", "-f", demuxer, "-i", name]
