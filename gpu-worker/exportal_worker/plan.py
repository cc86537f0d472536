"""
From a job to ffmpeg's arguments, without running anything. A type says what it does to the picture as an `Edit`; this
file puts it together. ffmpeg runs inside the job's own directory and every file in it has a fixed name, so no text and
no path of a user is ever read as part of a filter.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .colour import TAG_ARGS, encodable, is_wide, normalised
from .edit import Edit, Filter, JobType
from .failure import JobFailure, invalid_params
from .media import Media, Size, Sound
from .numbers import even, rounded, text
from .orientation import turn_filters
from .output import encoder_args, fitted, output_size, sound_args, uses_nvenc
from .types import NEEDS, TYPES

INPUT_NAME = "input"


def image_name(index: int) -> str:
    """The name of the image with this index, in the job's directory."""
    return f"image-{index}"


#: H.264 has no level for more (ITU-T H.264, table A-1).
_MAX_LONG, _MAX_SHORT = 8192, 4320

#: How far before the start a container without an exact index is entered, seconds: more than a group of pictures.
_COARSE = 30

#: Encoders tell no length of a frame, so the last one's is lost. Up to this nobody misses it; seconds.
_UNTOLD = 0.25

#: The demuxer of an image, and how to turn it.
ImageFacts = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """`target` is the size of the result, `sound` what is heard in it."""

    edit: Edit
    media: Media
    target: Size
    sound: Sound | None

    @property
    def output_name(self) -> str:
        return f"output.{self.edit.output.container}"

    @property
    def _exact(self) -> bool:
        """MP4 and Matroska are entered exactly; others may be entered too late, so a good while before."""
        return self.media.demuxer in ("mov", "matroska")

    @property
    def _coarse(self) -> int | float:
        return self.edit.start if self._exact else max(0, self.edit.start - _COARSE)

    @property
    def _is_part(self) -> bool:
        return self.edit.start > 0 or self.edit.duration < self.media.duration

    @property
    def hold(self) -> list[str]:
        """Filters that repeat the last frame where it ends, so that it is shown for as long as it was."""
        picture, start = self.media.picture, self._coarse
        if not self._exact and start > 0:
            return []
        end = self.edit.start + self.edit.duration
        shown = [at for at in picture.times if start <= at < end]
        until = min(picture.end, end)
        if until - (shown[-1] if shown else until) <= _UNTOLD:
            return []
        at = rounded((until - start) * 1000 - 2) / 1000
        return [f"loop=loop=1:size=1:start={len(shown) - 1}", f"setpts='if(eq(N,{len(shown)}),{text(at)}/TB,PTS)'"]

    def args(self, images: Sequence[ImageFacts], nvenc: bool = False, fps_mode: bool = False) -> list[str]:
        """
        ffmpeg's arguments, given what each image is, in their order. `nvenc` says that the GPU may encode, `fps_mode`
        how this ffmpeg wants to be asked.
        """
        edit, media, output = self.edit, self.media, self.edit.output
        coarse = self._coarse
        # An encoder that counts frames moves them by up to half a frame, out of a part's end even.
        own_times = output.fps is None and (not media.picture.constant or self._is_part or bool(self.hold))
        on_gpu = nvenc and uses_nvenc(self.target, output)
        return [
            *["-hide_banner", "-nostdin", "-v", "error", "-y", "-nostats", "-progress", "pipe:1"],
            *(["-itsoffset", text(-media.lead)] if media.lead > 0 else []),
            *(["-ss", text(coarse)] if coarse > 0 else []),
            *_source(media.demuxer, INPUT_NAME),
            *[arg for index, (demuxer, _) in enumerate(images) for arg in _source(demuxer, image_name(index))],
            *["-filter_complex", self._graph(images), "-map", "[out]"],
            *([] if self.sound is None else ["-map", f"0:{self.sound.index}"]),
            *(["-ss", text(edit.start - coarse)] if edit.start > coarse else []),
            *(["-t", text(edit.duration)] if self._is_part else []),
            # Neither where it was filmed nor chapters that outlast it are anyone's business; rotation is done.
            *["-map_metadata", "-1", "-map_chapters", "-1"],
            # Each frame at its own time: none is repeated to fill a rate, none is moved or lost to one.
            *["-fps_mode" if fps_mode else "-vsync", "vfr"],
            # Beyond 1/1000 older versions give the last frame no length at all, and so no player shows it.
            *(["-enc_time_base:v", "1:960"] if own_times else []),
            # Older versions give up when one stream begins long after the other.
            *["-max_muxing_queue_size", "9999"],
            *TAG_ARGS,
            *encoder_args(output, own_times, on_gpu),
            *([] if self.sound is None else sound_args(output, self.sound)),
            *(["-f", "webm"] if output.container == "webm" else ["-movflags", "+faststart", "-f", output.container]),
            self.output_name,
        ]

    def _graph(self, images: Sequence[ImageFacts]) -> str:
        edit, picture = self.edit, self.media.picture
        chains = []
        size = Size(even(self.media.width), even(self.media.height))
        # What is noted beside the frames (an orientation, brightness) is done here and must not be repeated in the
        # result.
        filters = ["sidedata=delete", *turn_filters(picture.turn), *normalised(picture, size, edit.in_rgb)]
        source = f"[0:{picture.index}]"
        for index, step in enumerate(edit.steps):
            if isinstance(step, Filter):
                filters.append(step.filter)
                continue
            turn = turn_filters(images[step.image][1])
            chains.append(f"{source}{','.join(filters)}[below{index}]")
            chains.append(f"[{step.image + 1}:v]{','.join([*turn, *step.prepare])}[image{index}]")
            source = f"[below{index}][image{index}]"
            filters = [step.place]
        fit, scale, after = fitted(edit.size, edit.output)
        end = encodable(fit) if edit.in_rgb else scale
        chains.append(f"{source}{','.join([*filters, *end, *self.hold, *after])}[out]")
        # To a graph with one input, versions before 7 add what is noted beside its stream: the orientation, a second
        # time.
        chains.append(f"[0:{picture.index}]nullsink")
        return ";".join(chains)


def plan_job(type_name: str, params: Any, media: Media) -> Plan:
    """Plans the job. Raises `invalid_params` or `invalid_media` with a sentence about what cannot be done."""
    edit_of = _type_named(type_name)
    size = Size(even(media.width), even(media.height))
    edit = edit_of(params, replace(media, width=size.width, height=size.height))
    target = output_size(edit.size, edit.output)
    sides = (target.width, target.height)
    if max(sides) > _MAX_LONG or min(sides) > _MAX_SHORT:
        raise invalid_params(
            f"The result would be {text(target.width)}x{text(target.height)}, but {_MAX_LONG}x{_MAX_SHORT} is the most; "
            "set output.width or output.height."
        )
    return Plan(edit, media, target, _kept(media.sound, edit))


def refuse_early(type_name: str, params: Any, missing: Sequence[str]) -> None:
    """Raises before anything is downloaded when the params are unusable, or need a filter that is `missing`."""
    _type_named(type_name)
    needs = NEEDS.get(type_name)
    if needs is not None:
        _refuse_missing(needs(params), missing)


def refuse_colours(media: Media, missing: Sequence[str]) -> None:
    """Raises when the picture's colours need a filter that is `missing`."""
    _refuse_missing(["zscale", "tonemap"] if is_wide(media.picture) else [], missing)


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


def _kept(sound: Sound | None, edit: Edit) -> Sound | None:
    """The sound, if any of it is in the part that is kept."""
    if sound is None or sound.start >= edit.start + edit.duration or sound.end <= edit.start:
        return None
    return sound


def _source(demuxer: str, name: str) -> list[str]:
    """
    The demuxer is named and only files may be opened, so that no input can make ffmpeg read anything else. Versions
    differ in which orientations they apply, so they apply none.
    """
    return ["-noautorotate", "-protocol_whitelist", "file", "-f", demuxer, "-i", name]
