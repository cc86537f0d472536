"""
From a job to ffmpeg's arguments, without running anything. A type says what it does to the picture as an `Edit`; this
file puts it together. ffmpeg runs inside the job's own directory and every file in it has a fixed name, so no text and
no path of a user is ever read as part of a filter.
"""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .edit import Edit, Filter
from .failure import invalid_params
from .media import Media, Size
from .numbers import even, text
from .output import encoder_args, output_filters
from .types import TYPES

INPUT_NAME = "input"


def image_name(index: int) -> str:
    """The name of the image with this index, in the job's directory."""
    return f"image-{index}"


@dataclass(frozen=True)
class Plan:
    edit: Edit
    media: Media

    @property
    def output_name(self) -> str:
        return f"output.{self.edit.output.container}"

    def args(self, image_demuxers: Sequence[str], nvenc: bool = False) -> list[str]:
        """ffmpeg's arguments, given the demuxer of each image, in their order."""
        edit, media = self.edit, self.media
        return [
            *["-hide_banner", "-nostdin", "-v", "error", "-xerror", "-y", "-nostats", "-progress", "pipe:1"],
            *(["-ss", text(edit.start)] if edit.start > 0 else []),
            *_source(media.demuxer, INPUT_NAME),
            *[arg for index, _ in enumerate(edit.image_keys) for arg in self._image(image_demuxers, index)],
            *["-filter_complex", self._graph(), "-map", "[out]"],
            *(["-map", "0:a:0"] if media.has_audio else []),
            *(["-t", text(edit.duration)] if edit.start > 0 or edit.duration < media.duration else []),
            *encoder_args(edit.output, media.has_audio, nvenc),
            self.output_name,
        ]

    def _image(self, demuxers: Sequence[str], index: int) -> list[str]:
        return _source(demuxers[index], image_name(index))

    def _graph(self) -> str:
        chains = []
        # Rotation is done by ffmpeg while decoding; odd sides and non-square pixels end here.
        filters = [f"scale={even(self.media.width)}:{even(self.media.height)}", "setsar=1"]
        source = "[0:v:0]"
        for index, step in enumerate(self.edit.steps):
            if isinstance(step, Filter):
                filters.append(step.filter)
                continue
            chains.append(f"{source}{','.join(filters)}[below{index}]")
            chains.append(f"[{step.image + 1}:v]{','.join(step.prepare)}[image{index}]")
            source = f"[below{index}][image{index}]"
            filters = [step.place]
        end = output_filters(self.edit.size, self.edit.output)
        chains.append(f"{source}{','.join([*filters, *end])}[out]")
        return ";".join(chains)


def plan_job(type_name: str, params: Any, media: Media) -> Plan:
    """Plans the job. Raises `invalid_params` or `invalid_media` with a sentence about what cannot be done."""
    edit_of = TYPES.get(type_name)
    if edit_of is None:
        known = ", ".join(TYPES)
        raise invalid_params(f'This worker does not know the type "{type_name}"; it knows {known}.')
    size = Size(even(media.width), even(media.height))
    return Plan(edit_of(params, replace(media, width=size.width, height=size.height)), media)


def _source(demuxer: str, name: str) -> list[str]:
    """The demuxer is named and only files may be opened, so that no input can make ffmpeg read anything else."""
    return ["-protocol_whitelist", "file", "-f", demuxer, "-i", name]
