"""The properties of a media file that a plan needs."""
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Size:
    width: int | float
    height: int | float


@dataclass(frozen=True)
class Picture:
    """
    The picture to export, with ffmpeg's index of its stream; `times` (when each frame is shown, in ascending order) and
    `end` are in seconds from the start of the chosen streams. `turn` is the rotation or reflection that makes the
    stored picture upright. The colours have ffprobe's names, with defaults where the file has no tags. `constant` is
    whether the frame rate is constant, `alpha` whether pixels may be transparent (their colours are not multiplied by it),
    `interlaced` whether frames may consist of two fields; the decoder flags those that do.
    """

    index: int
    codec: str
    turn: str
    transfer: str
    matrix: str
    primaries: str
    range: str
    alpha: bool
    interlaced: bool
    constant: bool
    times: Sequence[int | float]
    end: int | float


@dataclass(frozen=True)
class Sound:
    """
    The sound to export; seconds from the start of the chosen streams. `right` is the index of the stream for the right
    side, where `index` is the left one; each has one channel.
    """

    index: int
    codec: str
    channels: int
    start: int | float
    end: int | float
    right: int | None = None


@dataclass(frozen=True)
class Media:
    """
    A file in presentation form: size upright and with square pixels; `duration` is that of the chosen picture and
    sound, in seconds, and `lead` is how much later than the file they begin. `demuxer` is ffmpeg's name of the
    container: it is passed to ffmpeg rather than detected by it, since some detected formats (playlists) make it open
    other files. `notes` are sentences about parts of the file that the export omits.
    """

    demuxer: str
    duration: int | float
    lead: int | float
    width: int | float
    height: int | float
    picture: Picture
    sound: Sound | None
    notes: Sequence[str] = field(default_factory=list)
