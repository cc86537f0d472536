"""Real renders, where ffmpeg and ffprobe are on PATH."""
import os
import shutil
import struct
import subprocess
import unittest

from support import FONTS, WorkerTest

from exportal_worker.failure import JobFailure
from exportal_worker.handle import make_bench
from exportal_worker.media import Media
from exportal_worker.probe import probe
from exportal_worker.stop import Stop
from exportal_worker.work import work

HAS_FFMPEG = shutil.which("ffmpeg") is not None and shutil.which("ffprobe") is not None
if not HAS_FFMPEG:
    print("SKIPPED: ffmpeg and ffprobe are not on PATH, so nothing is really rendered.")


def lavfi(*sources: str) -> list[str]:
    return [arg for source in sources for arg in ("-f", "lavfi", "-i", source)]


def quarter_turned(mp4: bytes) -> bytes:
    """The file with the matrix of its first track turned (ISO/IEC 14496-12, 8.3.2)."""
    at = mp4.index(b"tkhd") + 44
    return mp4[:at] + struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30) + mp4[at + 36 :]


H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


@unittest.skipUnless(HAS_FFMPEG, "no ffmpeg")
class Render(WorkerTest):
    def make(self, name: str, *args: str) -> str:
        path = str(self.dir / name)
        subprocess.run(["ffmpeg", "-v", "error", "-y", *args, path], check=True)
        return path

    def setUp(self) -> None:
        super().setUp()
        clip = self.make("clip.mp4", *lavfi("color=black:s=320x180:r=25:d=2", "sine=d=2"), *H264, "-c:a", "aac")
        with open(clip, "rb") as file:
            self.service.files["clip.mp4"] = file.read()
        environment = {
            "EXPORTAL_DIR": str(self.dir / "work"),
            "EXPORTAL_FONTS": os.pathsep.join(FONTS),
            "EXPORTAL_ENCODER": "libx264",
        }
        self.real = make_bench(environment)

    def look(self, path: str) -> Media:
        return probe(path, self.real.ffmpeg)

    def render(self, type_name: str, params: dict, **changes) -> str:
        """The path of the stored result."""
        answer = work(self.service.job(type_name, params, **changes), Stop(), self.real)
        self.assertEqual(answer, {"output_video_key": "output/job-1/1-1.mp4"}, self.service.of("error"))
        self.assertEqual(sorted(os.listdir(self.real.dir)), ["fonts", "fonts.conf"])
        return self.file(self.service.stored["/put/1-1.mp4"], "result")

    def pixel(self, path: str, second: float, x: int, y: int) -> tuple[int, ...]:
        crop = ["-vf", f"crop=2:2:{x}:{y},format=rgb24", "-frames:v", "1", "-f", "rawvideo", "pipe:1"]
        command = ["ffmpeg", "-v", "error", "-ss", str(second), "-i", path, *crop]
        return tuple(subprocess.run(command, check=True, capture_output=True).stdout[:3])

    def test_trims(self) -> None:
        found = self.look(self.render("trim", {"start_seconds": 0.5, "end_seconds": 1.5}))
        self.assertAlmostEqual(found.duration, 1, delta=0.1)
        self.assertEqual((found.demuxer, found.width, found.height, found.sound is not None), ("mov", 320, 180, True))
        self.assertEqual({body["stage"] for body in self.service.of("progress")} - {"downloading", "rendering", "uploading"}, set())

    def test_a_result_has_a_poster_without_notes(self) -> None:
        job = self.service.job("crop", {"aspect_ratio": "1:1", "output": {"width": 1400}})
        job["input"]["output"]["poster_put_url"] = f"{self.service.url}/put/1-1.jpg"
        self.assertIs(work(job, Stop(), self.real).get("poster"), True)
        jpeg = self.service.stored["/put/1-1.jpg"]
        self.assertNotIn(b"Lavc", jpeg)
        asked = ["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"]
        command = ["ffprobe", *asked, self.file(jpeg, "poster.jpg")]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.assertEqual(told.strip(), "mjpeg,1280,1280")

    def test_crops(self) -> None:
        found = self.look(self.render("crop", {"aspect_ratio": "1:1", "output": {"width": 90}}))
        self.assertEqual((found.width, found.height), (90, 90))

    def test_transcodes_to_webm(self) -> None:
        found = self.look(self.render("transcode", {"output": {"container": "webm", "width": 160, "quality": "low"}}))
        self.assertEqual((found.demuxer, found.width, found.height), ("matroska", 160, 90))

    def test_lays_text_and_images_over_the_video(self) -> None:
        with open(self.make("red.png", *lavfi("color=red:s=64x64"), "-frames:v", "1"), "rb") as file:
            self.service.files["red.png"] = file.read()
        text = {"type": "text", "text": "X\nY", "x": 0.5, "y": 0.1, "size": 0.3, "background": "#00ff00"}
        image = {"type": "image", "image_key": "input/red.png", "x": 0, "y": 0, "width": 0.2, "end_seconds": 1}
        assets = {"input/red.png": f"{self.service.url}/files/red.png"}
        path = self.render("overlay", {"items": [text, image]}, assets=assets)
        red, green, _ = self.pixel(path, 0.5, 10, 10)
        self.assertTrue(red > 200 and green < 60, (red, green))
        self.assertLess(max(self.pixel(path, 1.5, 10, 10)), 40)
        red, green, _ = self.pixel(path, 1.5, 164, 20)
        self.assertTrue(green > 200 and red < 80, (red, green))

    def test_what_is_no_video_is_invalid_and_its_name_stays_here(self) -> None:
        self.service.files["clip.mp4"] = self.service.files["clip.mp4"][:400]
        answer = work(self.service.job(), Stop(), self.real)
        self.assertEqual((answer["code"], answer["should_retry"]), ("invalid_media", False))
        self.assertNotIn(str(self.dir), answer["error"])

    def test_a_playlist_is_no_video(self) -> None:
        path = self.file(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "list.m3u8")
        with self.assertRaises(JobFailure) as caught:
            self.look(path)
        self.assertEqual(caught.exception.code, "invalid_media")

    def test_sees_a_file_as_a_viewer_does(self) -> None:
        wide = self.make("wide.mkv", *lavfi("testsrc2=s=320x180:r=25:d=1"), "-vf", "setsar=4/3", *H264)
        self.assertEqual((self.look(wide).width, self.look(wide).height), (427, 180))
        stream = self.make("stream.ts", *lavfi("testsrc2=s=320x180:r=25:d=1"), *H264, "-f", "mpegts")
        found = self.look(stream)
        self.assertEqual((found.demuxer, found.sound is not None), ("mpegts", False))
        turned = self.look(self.file(quarter_turned(self.service.files["clip.mp4"]), "turned.mp4"))
        self.assertEqual((turned.width, turned.height), (180, 320))

    def test_music_with_a_cover_is_no_video(self) -> None:
        cover = self.make("cover.png", *lavfi("color=red:s=64x64"), "-frames:v", "1")
        maps = ["-map", "0", "-map", "1", "-c:a", "aac", "-c:v", "copy", "-disposition:v", "attached_pic"]
        with self.assertRaises(JobFailure) as caught:
            self.look(self.make("music.m4a", *lavfi("sine=d=1"), "-i", cover, *maps))
        self.assertEqual(caught.exception.message, "The input has no video track.")


if __name__ == "__main__":
    unittest.main()
