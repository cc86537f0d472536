"""
One job from its input to a stored result, telling the service on the way. Download is 0–5 percent, rendering 5–95,
upload 95–99. Nothing is left behind: the job's directory goes whatever happens.
"""
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .failure import JobFailure, invalid_media, invalid_params, to_failure
from .ffmpeg import Ffmpeg, run_ffmpeg
from .job_input import JobInput, parse_input
from .multipart import upload_in_parts
from .plan import INPUT_NAME, Plan, image_name, plan_job
from .probe import image_demuxer, probe
from .reports import HEARTBEAT_S, SPACING_S, Reports
from .retry import BACKOFF_S
from .stop import Stop, Stopped
from .transfer import TooLarge, download, upload

log = logging.getLogger("exportal")

_RENDER_FROM = 5
_UPLOAD_FROM = 95
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
        _Export(given, directory, stop, reports, bench).run()
        reports.complete(given.output.video_key)
        return {"output_video_key": given.output.video_key}
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

    def run(self) -> None:
        self._reports.progress(0, "downloading")
        self._fetch(self._given.input_url, INPUT_NAME, "The input", _RENDER_FROM)
        media = probe(self._path(INPUT_NAME), self._bench.ffmpeg.probe_path)
        plan = plan_job(self._given.type, self._given.params, media)
        for name, text in plan.edit.texts:
            self._write_text(name, text)
        self._render(plan, [self._image(index, key) for index, key in enumerate(plan.edit.image_keys)])
        self._check(plan)
        self._store(self._path(plan.output_name))
        self._stop.check()

    def _path(self, name: str) -> str:
        return os.path.join(self._dir, name)

    def _fetch(self, url: str, name: str, what: str, share: float = 0) -> None:
        def told(done: float) -> None:
            self._reports.progress(done * share, "downloading")

        download(url, self._path(name), what, self._stop, told, self._bench.waits)

    def _image(self, index: int, key: str) -> str:
        """Downloads an image and answers its demuxer."""
        url = self._given.assets.get(key)
        if url is None:
            raise invalid_params(f'The image "{key}" is not among the assets of the job.')
        self._fetch(url, image_name(index), f'The image "{key}"')
        return image_demuxer(self._path(image_name(index)), key)

    def _write_text(self, name: str, text: str) -> None:
        # Half of a surrogate pair is no character; the font has a sign for that.
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        with open(self._path(name), "w", encoding="utf-8", newline="") as file:
            file.write(whole)

    def _render(self, plan: Plan, image_demuxers: list[str]) -> None:
        started = time.monotonic()
        self._reports.progress(_RENDER_FROM, "rendering")

        def told(seconds: float) -> None:
            done = min(1.0, seconds / plan.edit.duration)
            elapsed = time.monotonic() - started
            eta = elapsed * (1 - done) / done if done > 0.03 else None
            self._reports.progress(_RENDER_FROM + done * (_UPLOAD_FROM - _RENDER_FROM), "rendering", eta)

        args = plan.args(image_demuxers, self._bench.ffmpeg.nvenc)
        run_ffmpeg(self._bench.ffmpeg.path, args, self._dir, self._stop, told)

    def _check(self, plan: Plan) -> None:
        """A damaged input can end early without an error; then the result is shorter than it must be."""
        wanted = plan.edit.duration
        made = probe(self._path(plan.output_name), self._bench.ffmpeg.probe_path, "The result")
        if abs(made.duration - wanted) > max(0.5, wanted * 0.02):
            raise invalid_media(
                f"The result is {made.duration:.2f} s long instead of {wanted:.2f} s; the input seems to be damaged."
            )

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
