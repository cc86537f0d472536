"""What a media file is to a plan."""
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Size:
    width: int | float
    height: int | float


@dataclass(frozen=True)
class Picture:
    """
    The picture that is exported, with ffmpeg's index of its stream; `times` (when each frame is shown, ascending) and
    `end` are in seconds from the start of the chosen streams. `turn` is what turns the stored picture upright. The
    colours have ffprobe's names, with what is meant where the file does not tell. `constant` says whether the frames
    stand at a constant rate.
    """

    index: int
    codec: str
    turn: str
    transfer: str
    matrix: str
    primaries: str
    range: str
    constant: bool
    times: Sequence[int | float]
    end: int | float


@dataclass(frozen=True)
class Sound:
    """The sound that is exported; seconds from the start of the chosen streams."""

    index: int
    codec: str
    channels: int
    start: int | float
    end: int | float


@dataclass(frozen=True)
class Media:
    """
    A file as a viewer sees it: size upright and with square pixels; `duration` is that of the chosen picture and
    sound, in seconds, and `lead` is how much later than the file itself they begin. `demuxer` is ffmpeg's name of the
    container: it is told, not left to guess, since some of its guesses (playlists) make it open other files. `notes`
    are sentences about what the file has and the export does not.
    """

    demuxer: str
    duration: int | float
    lead: int | float
    width: int | float
    height: int | float
    picture: Picture
    sound: Sound | None
    notes: Sequence[str] = field(default_factory=list)
