"""
Runs one job from its input to a stored result, with reports to the service. Download is 0–5 percent, rendering 5–95,
upload 95–99. The job's directory is removed in every case.
"""
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .check_result import check_result
from .external.download import External, download_external
from .failure import JobFailure, invalid_params, to_failure
from .ffmpeg import EncoderFailed, Ffmpeg, run_ffmpeg
from .job_input import JobInput, parse_input
from .multipart import upload_in_parts
from .output import uses_nvenc
from .plan import INPUT_NAME, ImageFacts, Plan, image_name, plan_job, refuse_early, refuse_media
from .poster import store_poster
from .probe import image_facts, probe
from .reports import HEARTBEAT_S, SPACING_S, Reports
from .retry import BACKOFF_S
from .stop import Stop, Stopped
from .text.layout import Fonts
from .text.typesetter import FONTS_DIR, Typesetter, fonts_dir
from .transfer import TooLarge, download, upload

log = logging.getLogger("exportal")

_RENDER_FROM = 5
_UPLOAD_FROM = 95
#: The decoders' messages for damage that they skip, the same in all versions.
_DAMAGE = re.compile(
    r"error while decoding|concealing|corrupt|invalid data|invalid nal|missing picture|decode_slice_header|illegal"
    r"|ended prematurely|read error|partial file",
    re.IGNORECASE,
)
#: Maximum size of a single PUT, as in runpod-local. On its smaller plans a Cloudflare zone passes at most 100 MB to a
#: Worker.
SINGLE_PUT_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Bench:
    """A worker's resources. The directory holds the fonts and, while they run, the jobs."""

    dir: str
    ffmpeg: Ffmpeg
    fonts: Fonts
    single_put_bytes: int = SINGLE_PUT_BYTES
    spacing_s: float = SPACING_S
    heartbeat_s: float = HEARTBEAT_S
    waits: Sequence[float] = BACKOFF_S
    external: External = field(default_factory=External)


def work(job: dict[str, Any], stop: Stop, bench: Bench) -> dict[str, Any]:
    """Runs the job and returns its output for RunPod: `output_video_key`, or `error` with `code` and `should_retry`."""
    if job.get("input") == {"self_test": True}:
        return _self_test(bench.ffmpeg)
    try:
        given = parse_input(job.get("input"))
    except JobFailure as failure:
        # Without a readable input the service cannot be reached; only RunPod's FAILED reports the job.
        return _failed(failure)
    reports = Reports(
        given.callback_url,
        given.callback_token,
        str(job.get("id", "")),
        stop,
        bench.spacing_s,
        bench.heartbeat_s,
        bench.waits,
        given.line_url,
    )
    directory = None
    try:
        directory = tempfile.mkdtemp(prefix="job-", dir=bench.dir)
        warnings, poster = _Export(given, directory, stop, reports, bench).run()
        reports.complete(given.output.video_key, warnings, poster)
        return {
            "output_video_key": given.output.video_key,
            **({"poster": True} if poster else {}),
            **({"warnings": warnings} if warnings else {}),
        }
    except Stopped:
        if stop.tell:
            reports.error(JobFailure("worker_error", f"The worker stopped: {stop.reason}.", True))
        return {"error": f"Stopped: {stop.reason}"}
    except Exception as error:
        # Every kind of error must be reported to the service.
        failure = to_failure(error)
        log.warning("job %s failed: %s: %s", given.job_id, failure.code, failure.message)
        reports.error(failure)
        return _failed(failure)
    finally:
        reports.close()
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)


def _self_test(ffmpeg: Ffmpeg) -> dict[str, Any]:
    """
    The features of ffmpeg and the GPU at the start of this process; a failure when jobs would fail because of them.
    """
    found = {"h264": "nvenc" if ffmpeg.nvenc else "libx264", "missing": list(ffmpeg.missing)}
    return {"error": f"This worker lacks {', '.join(ffmpeg.missing)}.", **found} if ffmpeg.missing else found


def _failed(failure: JobFailure) -> dict[str, Any]:
    return {"error": failure.message, "code": failure.code, "should_retry": failure.should_retry}


class _Export:
    def __init__(self, given: JobInput, directory: str, stop: Stop, reports: Reports, bench: Bench) -> None:
        self._given = given
        self._dir = directory
        self._stop = stop
        self._reports = reports
        self._bench = bench

    def run(self) -> tuple[list[str], bool]:
        """Returns sentences about a correct result that lacks something, and whether it has a poster."""
        ffmpeg = self._bench.ffmpeg
        typesetter = Typesetter(self._bench.fonts, ffmpeg.shaper)
        refuse_early(self._given.type, self._given.params, ffmpeg.missing, typesetter)
        self._reports.progress(0, "downloading")
        self._fetch_input()
        media = probe(self._path(INPUT_NAME), ffmpeg, "The input", self._stop)
        plan = plan_job(self._given.type, self._given.params, media, typesetter)
        refuse_media(media, ffmpeg.missing)
        self._write_texts(plan)
        said = self._render(plan, [self._image(index, key) for index, key in enumerate(plan.edit.image_keys)])
        path = self._path(plan.output_name)
        result = probe(path, ffmpeg, "The result", self._stop)
        check_result(media, plan, result)
        # A damaged place must not fail a whole recording, but the result's receiver should learn of it.
        damage = ["The input is damaged in places, which the result may show."] if _DAMAGE.search(said) else []
        # A sound without a decodable packet fails no export.
        silence = []
        if plan.sound is not None and result.sound is None:
            silence = [f"The result has no sound: {plan.sound.codec} cannot be decoded or holds nothing."]
        warnings = [*media.notes, *silence, *damage]
        self._store(path)
        url = self._given.output.poster_put_url
        poster = url is not None and store_poster(ffmpeg.path, result, path, url, self._stop, self._bench.waits)
        self._stop.check()
        return warnings, poster

    def _path(self, name: str) -> str:
        return os.path.join(self._dir, name)

    def _fetch_input(self) -> None:
        given, external, path = self._given, self._bench.external, self._path(INPUT_NAME)

        def report_done(done: float) -> None:
            self._reports.progress(done * _RENDER_FROM, "downloading")

        if not given.input_is_external:
            download(given.input_url, path, "The input", self._stop, report_done, self._bench.waits)
            return
        limits = external.limits
        if given.input_max_bytes is not None and given.input_max_bytes < limits.most_bytes:
            external = replace(external, limits=replace(limits, most_bytes=given.input_max_bytes))
        download_external(given.input_url, path, self._stop, external, report_done, self._bench.waits)

    def _image(self, index: int, key: str) -> ImageFacts:
        """Downloads an image and returns its properties."""
        url = self._given.assets.get(key)
        if url is None:
            raise invalid_params(f'The image "{key}" is not among the assets of the job.')
        download(url, self._path(image_name(index)), f'The image "{key}"', self._stop, waits=self._bench.waits)
        return image_facts(self._path(image_name(index)), key)

    def _write_texts(self, plan: Plan) -> None:
        for name, text in plan.edit.texts:
            with open(self._path(name), "w", encoding="utf-8", newline="") as file:
                file.write(text)
        for places in plan.edit.font_sets:
            os.mkdir(self._path(fonts_dir(places)))
            for place in map(str, places):
                os.link(os.path.join(self._dir, FONTS_DIR, place), os.path.join(self._path(fonts_dir(places)), place))

    def _render(self, plan: Plan, images: list[ImageFacts]) -> str:
        """Runs ffmpeg and returns its warnings."""
        started = time.monotonic()
        self._reports.progress(_RENDER_FROM, "rendering")

        def report_done(seconds: float) -> None:
            done = min(1.0, seconds / plan.edit.duration)
            elapsed = time.monotonic() - started
            eta = elapsed * (1 - done) / done if done > 0.03 else None
            self._reports.progress(_RENDER_FROM + done * (_UPLOAD_FROM - _RENDER_FROM), "rendering", eta)

        ffmpeg = self._bench.ffmpeg

        def run(nvenc: bool) -> str:
            args = plan.args(images, nvenc, ffmpeg.fps_mode)
            return run_ffmpeg(ffmpeg.path, args, self._dir, self._stop, report_done)

        try:
            return run(ffmpeg.nvenc)
        except EncoderFailed as failure:
            if not (ffmpeg.nvenc and uses_nvenc(plan.target, plan.edit.output)):
                raise
            # The GPU's sessions may be in use, or its driver missing; the CPU is slower, but succeeds.
            log.warning("NVENC failed, the job goes on with libx264: %s", failure.message)
            return run(False)

    def _store(self, path: str) -> None:
        output, bench = self._given.output, self._bench

        def report_done(done: float) -> None:
            self._reports.progress(_UPLOAD_FROM + done * 4, "uploading")

        report_done(0)
        in_parts = output.multipart_url is not None and os.path.getsize(path) > bench.single_put_bytes
        try:
            if not in_parts:
                upload(path, output.put_url, output.content_type, self._stop, report_done, bench.waits)
                return
        except TooLarge:
            if output.multipart_url is None:
                message = "The result is too large for one upload, and the service offers no other."
                raise JobFailure("worker_error", message, False) from None
        assert output.multipart_url is not None
        upload_in_parts(path, output.multipart_url, self._stop, report_done, bench.waits)
