"""Selects from ffprobe's output the streams to export, with their format and times."""
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from .failure import invalid_media
from .media import Media, Picture, Size, Sound
from .numbers import rounded
from .orientation import swaps_sides, turn_of_matrix

#: Presentation time and duration (0 when unknown) of each packet by stream, in the order of the file; seconds.
Packets = dict[int, list[tuple[float, float]]]
Stream = dict[str, Any]

#: Maximum for a last frame of unknown duration, which is taken to be that of the one before; seconds.
_MAX_GUESS = 0.25


def take(packets: Packets, line: str) -> None:
    """Parses the line of one packet. Packets removed by an edit list (`D` in the flags) are never shown."""
    fields = dict(re.findall(r'"(\w+)": "?([^",}]+)', line))
    at = _number(fields.get("pts_time", fields.get("dts_time", "")))
    if "stream_index" not in fields or at is None or "D" in fields.get("flags", ""):
        return
    packets.setdefault(int(fields["stream_index"]), []).append((at, _number(fields.get("duration_time", "")) or 0.0))


def choose(
    demuxer: str, answer: dict[str, Any], packets: Packets, decodes: Callable[[str], bool], what: str
) -> Media:
    """
    Chooses a picture and a sound. The picture is the first stream that is no attached picture, can be decoded by ffmpeg
    and has more than one frame, else one with a single frame. The sound is the default one, else the first, skipping
    those that cannot be decoded and, where possible, those of other programs; a pair of sides is one sound. `decodes`
    checks a codec. Raises `invalid_media` when there is no picture.
    """
    streams: list[Stream] = answer.get("streams", [])
    pictures = [each for each in streams if each.get("codec_type") == "video" and not _is_cover(each)]
    sounds = [each for each in streams if each.get("codec_type") == "audio"]
    if not pictures:
        raise invalid_media(f"{what} has no video track.")
    seen = [each for each in pictures if decodes(each.get("codec_name", ""))]
    if not seen:
        raise invalid_media(f"{what} has a picture that this worker cannot decode ({_name(pictures[0])}).")
    sized = [each for each in seen if each.get("width", 0) > 0 and each.get("height", 0) > 0]
    shown = [each for least in (1, 0) for each in sized if len(packets.get(each["index"], [])) > least]
    if not shown:
        raise invalid_media(f"{what} holds no picture.")
    video = shown[0]
    dolby = next((side for side in video.get("side_data_list", []) if side.get("dv_profile") == 5), {})
    if dolby.get("dv_bl_signal_compatibility_id", 1) == 0:
        raise invalid_media(f"{what} is Dolby Vision of profile 5, whose colours this worker cannot read.")
    audible = [each for each in sounds if decodes(each.get("codec_name", "")) and _lasts(packets.get(each["index"], []))]
    programs = ({each["index"] for each in program.get("streams", [])} for program in answer.get("programs", []))
    program = next((each for each in programs if video["index"] in each), set())
    own = [each for each in audible if each["index"] in program] or audible
    flagged = [each for each in own if each.get("disposition", {}).get("default") == 1]
    audio = next(iter([*flagged, *own]), None)
    right = next((each for each in own if len(own) == 2 and each is not audio), None)
    if audio is None or right is None or not _are_sides(audio, right, packets):
        right = None
    notes = []
    if sounds and audio is None:
        notes.append(f"The result has no sound: {_name(sounds[0])} cannot be decoded or holds nothing.")
    start = _number(answer.get("format", {}).get("start_time", ""))
    return _timed(demuxer, start, video, audio, right, packets, notes)


def _lasts(packets: list[tuple[float, float]]) -> bool:
    return max((at + length for at, length in packets), default=0) > min((at for at, _ in packets), default=0)


def _are_sides(left: Stream, right: Stream, packets: Packets) -> bool:
    """
    Whether these are the two sides of one recording: cameras store each microphone, uncompressed, as a stream of one
    channel. Compressed streams of one channel are rather alternatives, in a broadcast for example.
    """
    ones, others = packets[left["index"]], packets[right["index"]]
    starts = [min(at for at, _ in side) for side in (ones, others)]
    ends = [max(at + length for at, length in side) for side in (ones, others)]
    return (
        left.get("channels") == right.get("channels") == 1
        and left["codec_name"].startswith("pcm_")
        and left["codec_name"] == right["codec_name"]
        and left.get("sample_rate") == right.get("sample_rate")
        and left.get("tags", {}).get("language", "") == right.get("tags", {}).get("language", "")
        and left.get("disposition", {}) == right.get("disposition", {})
        and all(abs(one - other) <= 0.001 for one, other in (starts, ends))
    )


def _is_cover(stream: Stream) -> bool:
    """Whether it is a cover, or a strip of previews."""
    disposition = stream.get("disposition", {})
    return disposition.get("attached_pic") == 1 or disposition.get("timed_thumbnails") == 1


def _name(stream: Stream) -> str:
    return stream.get("codec_name") or "an unknown codec"


def _timed(
    demuxer: str,
    file_start: float | None,
    video: Stream,
    audio: Stream | None,
    right: Stream | None,
    packets: Packets,
    notes: list[str],
) -> Media:
    frames = sorted(packets[video["index"]], key=lambda frame: frame[0])
    sound_packets = packets[audio["index"]] if audio else []
    origin = min(at for at, _ in [*frames[:1], *sound_packets])

    def since(at: float) -> float:
        return rounded((at - origin) * 1e6) / 1e6

    times = [since(at) for at, _ in frames]
    step = times[-1] - times[-2] if len(times) > 1 else 0
    last, length = frames[-1]
    end = since(last + (length or min(step, _MAX_GUESS) or 0.04))
    sound = None
    if audio:
        until = max(at + length for at, length in sound_packets)
        start = since(min(at for at, _ in sound_packets))
        other = right["index"] if right else None
        sound = Sound(audio["index"], audio["codec_name"], audio.get("channels", 0), start, since(until), other)
    lead = rounded((origin - file_start) * 1e6) / 1e6 if file_start is not None else 0
    turn = _turn(video)
    size = _display_size(video)
    width, height = (size.height, size.width) if swaps_sides(turn) else (size.width, size.height)
    duration = max(end, sound.end if sound else 0)
    picture = _picture(demuxer, video, turn, times, end)
    return Media(demuxer, duration, 0 if lead < 0.001 else lead, width, height, picture, sound, notes)


def _turn(video: Stream) -> str:
    matrices = (side.get("displaymatrix") for side in video.get("side_data_list", []))
    matrix = next((each for each in matrices if each), None)
    return "none" if matrix is None else turn_of_matrix(matrix)


def _display_size(video: Stream) -> Size:
    """The size with square pixels, keeping the larger dimension."""
    width, height = video["width"], video["height"]
    ratio = re.fullmatch(r"(\d+):(\d+)", video.get("sample_aspect_ratio", ""), re.ASCII)
    across, down = (int(ratio[1]), int(ratio[2])) if ratio else (1, 1)
    ratio = across / down if across > 0 and down > 0 else 1
    if ratio > 1:
        return Size(rounded(width * ratio), height)
    return Size(width, rounded(height / ratio))


#: Formats of pixels with alpha, by ffmpeg's names.
_ALPHA = re.compile(r"(yuva|gbrap|rgba|bgra|argb|abgr|ya\d|pal8)", re.ASCII)


def _has_alpha(demuxer: str, video: Stream) -> bool:
    """The fourth byte of an AVI without compression has no meaning (Microsoft, BITMAPINFOHEADER)."""
    if demuxer == "avi" and video["codec_name"] == "rawvideo":
        return False
    return _ALPHA.match(video.get("pix_fmt", "")) is not None or video.get("tags", {}).get("alpha_mode") == "1"


#: Codecs of which only frames tell whether they are interlaced.
_UNTOLD_FIELDS = ("dvvideo", "mpeg4")


def _is_interlaced(video: Stream) -> bool:
    order = video.get("field_order", "")
    return order in ("tt", "bb", "tb", "bt") or (video["codec_name"] in _UNTOLD_FIELDS and order in ("", "unknown"))


def _picture(demuxer: str, video: Stream, turn: str, times: list[float], end: float) -> Picture:
    """Colours without tags follow the size: BT.709 from 720 lines or 1280 columns on, BT.601 below."""

    def tag_or(field: str, otherwise: str) -> str:
        name = video.get(field, "")
        return otherwise if name in ("", "unknown", "reserved") else name

    hd = video["height"] >= 720 or video["width"] >= 1280
    transfer = tag_or("color_transfer", "bt709")
    wide = transfer in ("smpte2084", "arib-std-b67")
    pixels = video.get("pix_fmt", "")
    rgb = pixels.startswith(("gbr", "rgb", "bgr", "argb", "abgr", "0rgb", "0bgr", "pal8"))
    full = video.get("color_range") == "pc" or pixels.startswith("yuvj")
    return Picture(
        index=video["index"],
        codec=video["codec_name"],
        turn=turn,
        transfer=transfer,
        matrix="gbr" if rgb else tag_or("color_space", "bt2020nc" if wide else "bt709" if hd else "smpte170m"),
        primaries=tag_or("color_primaries", "bt2020" if wide else "bt709"),
        range="pc" if full or rgb else "tv",
        alpha=_has_alpha(demuxer, video),
        interlaced=_is_interlaced(video),
        constant=_is_constant(times, video.get("r_frame_rate", "")),
        times=times,
        end=end,
    )


def _is_constant(times: Iterable[float], guess: str) -> bool:
    """
    Whether every frame falls into a slot of its own at ffmpeg's guess of the rate, within the millisecond to which
    Matroska rounds. An encoder with a constant rate moves frames by up to half a slot, so slots must be short.
    """
    frames, _, seconds = guess.partition("/")
    count, length = _number(frames) or 0, _number(seconds or "1") or 0
    rate = count / length if length > 0 else 0
    if not 10 <= rate <= 240:
        return False
    before, first = -1, None
    for at in times:
        first = at if first is None else first
        slot = rounded((at - first) * rate)
        if slot <= before or abs(at - first - slot / rate) > 0.0015:
            return False
        before = slot
    return True


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
