"""
One job from its input to a stored result, telling the service on the way. Download is 0–5 percent, rendering 5–95,
upload 95–99. Nothing is left behind: the job's directory goes whatever happens.
"""
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .check_result import check_result
from .failure import JobFailure, invalid_params, to_failure, well_formed
from .ffmpeg import EncoderFailed, Ffmpeg, run_ffmpeg
from .job_input import JobInput, parse_input
from .multipart import upload_in_parts
from .output import uses_nvenc
from .plan import INPUT_NAME, ImageFacts, Plan, image_name, plan_job, refuse_colours, refuse_early
from .probe import image_facts, probe
from .reports import HEARTBEAT_S, SPACING_S, Reports
from .retry import BACKOFF_S
from .stop import Stop, Stopped
from .transfer import TooLarge, download, upload

log = logging.getLogger("exportal")

_RENDER_FROM = 5
_UPLOAD_FROM = 95
#: The decoders' own words for damage that they went over, the same in all versions.
_DAMAGE = re.compile(
    r"error while decoding|concealing|corrupt|invalid data|invalid nal|missing picture|decode_slice_header|illegal",
    re.IGNORECASE,
)
#: Most that one PUT carries, as in runpod-local. A Cloudflare zone lets 100 MB through to a Worker on the smaller plans.
SINGLE_PUT_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Bench:
    """What a worker works with. The directory holds the font as `font.ttf` and, while they run, the jobs."""

    dir: str
    ffmpeg: Ffmpeg
    single_put_bytes: int = SINGLE_PUT_BYTES
    spacing_s: float = SPACING_S
    heartbeat_s: float = HEARTBEAT_S
    waits: Sequence[float] = BACKOFF_S


def work(job: dict[str, Any], stop: Stop, bench: Bench) -> dict[str, Any]:
    """Does the job and answers RunPod's output for it: `output_video_key`, or `error` with `code` and `should_retry`."""
    try:
        given = parse_input(job.get("input"))
    except JobFailure as failure:
        # Without a readable input there is nobody to report to; RunPod's FAILED is all there is.
        return _failed(failure)
    reports = Reports(
        given.callback_url,
        given.callback_token,
        str(job.get("id", "")),
        stop,
        bench.spacing_s,
        bench.heartbeat_s,
        bench.waits,
    )
    directory = None
    try:
        directory = tempfile.mkdtemp(prefix="job-", dir=bench.dir)
        warnings = _Export(given, directory, stop, reports, bench).run()
        reports.complete(given.output.video_key, warnings)
        return {"output_video_key": given.output.video_key, **({"warnings": warnings} if warnings else {})}
    except Stopped:
        if stop.tell:
            reports.error(JobFailure("worker_error", f"The worker stopped: {stop.reason}.", True))
        return {"error": f"Stopped: {stop.reason}"}
    except Exception as error:
        # Whatever it is, the service must hear of it.
        failure = to_failure(error)
        log.warning("job %s failed: %s: %s", given.job_id, failure.code, failure.message)
        reports.error(failure)
        return _failed(failure)
    finally:
        reports.close()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)


def _failed(failure: JobFailure) -> dict[str, Any]:
    return {"error": failure.message, "code": failure.code, "should_retry": failure.should_retry}


class _Export:
    def __init__(self, given: JobInput, directory: str, stop: Stop, reports: Reports, bench: Bench) -> None:
        self._given = given
        self._dir = directory
        self._stop = stop
        self._reports = reports
        self._bench = bench

    def run(self) -> list[str]:
        """Answers sentences about a result that is right but not all that was to be expected."""
        ffmpeg = self._bench.ffmpeg
        refuse_early(self._given.type, self._given.params, ffmpeg.missing)
        self._reports.progress(0, "downloading")
        self._fetch(self._given.input_url, INPUT_NAME, "The input", _RENDER_FROM)
        media = probe(self._path(INPUT_NAME), ffmpeg, "The input", self._stop)
        plan = plan_job(self._given.type, self._given.params, media)
        refuse_colours(media, ffmpeg.missing)
        for name, text in plan.edit.texts:
            self._write_text(name, text)
        said = self._render(plan, [self._image(index, key) for index, key in enumerate(plan.edit.image_keys)])
        result = self._path(plan.output_name)
        check_result(media, plan, probe(result, ffmpeg, "The result", self._stop))
        # One bad patch must not cost a whole recording, but whoever gets the result should know.
        damage = ["The input is damaged in places, which the result may show."] if _DAMAGE.search(said) else []
        warnings = [*media.notes, *damage]
        self._store(result)
        self._stop.check()
        return warnings

    def _path(self, name: str) -> str:
        return os.path.join(self._dir, name)

    def _fetch(self, url: str, name: str, what: str, share: float = 0) -> None:
        def told(done: float) -> None:
            self._reports.progress(done * share, "downloading")

        download(url, self._path(name), what, self._stop, told, self._bench.waits)

    def _image(self, index: int, key: str) -> ImageFacts:
        """Downloads an image and answers what it is."""
        url = self._given.assets.get(key)
        if url is None:
            raise invalid_params(f'The image "{key}" is not among the assets of the job.')
        self._fetch(url, image_name(index), f'The image "{key}"')
        return image_facts(self._path(image_name(index)), key)

    def _write_text(self, name: str, text: str) -> None:
        # Half of a surrogate pair is no character; the font has a sign for that.
        with open(self._path(name), "w", encoding="utf-8", newline="") as file:
            file.write(well_formed(text))

    def _render(self, plan: Plan, images: list[ImageFacts]) -> str:
        """Answers what ffmpeg complained about without giving up."""
        started = time.monotonic()
        self._reports.progress(_RENDER_FROM, "rendering")

        def told(seconds: float) -> None:
            done = min(1.0, seconds / plan.edit.duration)
            elapsed = time.monotonic() - started
            eta = elapsed * (1 - done) / done if done > 0.03 else None
            self._reports.progress(_RENDER_FROM + done * (_UPLOAD_FROM - _RENDER_FROM), "rendering", eta)

        ffmpeg = self._bench.ffmpeg

        def run(nvenc: bool) -> str:
            args = plan.args(images, nvenc, ffmpeg.fps_mode)
            return run_ffmpeg(ffmpeg.path, args, self._dir, self._stop, told)

        try:
            return run(ffmpeg.nvenc)
        except EncoderFailed as failure:
            if not (ffmpeg.nvenc and uses_nvenc(plan.target, plan.edit.output)):
                raise
            # Its sessions may be taken, or its driver gone; the processor takes longer, and gets there.
            log.warning("NVENC failed, the job goes on with libx264: %s", failure.message)
            return run(False)

    def _store(self, path: str) -> None:
        output, bench = self._given.output, self._bench

        def told(done: float) -> None:
            self._reports.progress(_UPLOAD_FROM + done * 4, "uploading")

        told(0)
        in_parts = output.multipart_url is not None and os.path.getsize(path) > bench.single_put_bytes
        try:
            if not in_parts:
                upload(path, output.put_url, output.content_type, self._stop, told, bench.waits)
                return
        except TooLarge:
            if output.multipart_url is None:
                message = "The result is too large for one upload, and the service offers no other."
                raise JobFailure("worker_error", message, False) from None
        assert output.multipart_url is not None
        upload_in_parts(path, output.multipart_url, self._stop, told, bench.waits)
