"""What a media file is to a plan."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    width: int | float
    height: int | float


@dataclass(frozen=True)
class Media:
    """
    A file as a viewer sees it: size after rotation and with square pixels, duration in seconds. `demuxer` is ffmpeg's
    name of the container (mov, matroska or mpegts): it is told, not left to guess, since some of its guesses
    (playlists) make it open other files.
    """

    demuxer: str
    duration: int | float
    width: int | float
    height: int | float
    has_audio: bool
