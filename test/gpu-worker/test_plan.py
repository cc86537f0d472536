"""The plans and refusals that every worker of this project must agree on."""
import struct
import unittest
from collections.abc import Callable

from support import media_of, typesetter, vectors

from exportal_worker.check_result import check_result
from exportal_worker.failure import JobFailure
from exportal_worker.ffmpeg import failure_of
from exportal_worker.media import Media, Size
from exportal_worker.numbers import fixed, rounded, text
from exportal_worker.orientation import turn_of_image
from exportal_worker.output import OutputSettings, encoder_args, uses_nvenc
from exportal_worker.plan import plan_job
from exportal_worker.streams import Packets, choose, take


def images_of(case: dict) -> list[tuple[str, str]]:
    return [(image["demuxer"], image["turn"]) for image in case["images"]]


class Plans(unittest.TestCase):
    def test_the_shared_vectors(self) -> None:
        shared = vectors("ffmpeg-plans.json")
        self.assertGreater(len(shared["cases"]), 80)
        for case in shared["cases"]:
            with self.subTest(f"{case['type']}: {case['name']}"):
                media = media_of(shared["inputs"][case["input"]])
                if "refused" in case:
                    self._refused(case, media)
                else:
                    self._planned(case, media)

    def _planned(self, case: dict, media: Media) -> None:
        plan = plan_job(case["type"], case["params"], media, typesetter(case.get("shaper", "harfbuzz")))
        found = {
            "args": plan.args(images_of(case), fps_mode=case.get("fps_mode", False)),
            "output_name": plan.output_name,
            "duration": plan.edit.duration,
            "texts": [list(each) for each in plan.edit.texts],
            "image_keys": plan.edit.image_keys,
            **({"font_sets": plan.edit.font_sets} if plan.edit.font_sets else {}),
        }
        self.assertEqual(found, case["plan"])

    def _refused(self, case: dict, media: Media) -> None:
        wanted = dict(case["refused"])
        with self.assertRaises(JobFailure) as caught:
            plan_job(case["type"], case["params"], media, typesetter())
        failure = caught.exception
        # The text of a type error depends on the language; the field does not.
        field = wanted.pop("field", None)
        found = {"code": failure.code, "should_retry": failure.should_retry}
        if field is None:
            found["message"] = failure.message
        else:
            self.assertIn(f"params are unusable: {field}: ", failure.message)
        self.assertEqual(found, wanted)

    def test_nvenc_takes_the_place_of_libx264_and_nothing_else_changes(self) -> None:
        shared = vectors("ffmpeg-plans.json")
        replaced = 0
        for case in shared["cases"]:
            if "plan" not in case:
                continue
            plan = plan_job(case["type"], case["params"], media_of(shared["inputs"][case["input"]]), typesetter(case.get("shaper", "harfbuzz")))
            args = plan.args(images_of(case), nvenc=True, fps_mode=case.get("fps_mode", False))
            software = case["plan"]["args"]
            if not uses_nvenc(plan.target, plan.edit.output):
                self.assertEqual(args, software)
                continue
            replaced += 1
            start = software.index("libx264")
            self.assertEqual(args[:start], software[:start])
            self.assertEqual(args[start : start + 3], ["h264_nvenc", "-preset", "p5"])
            rest = [arg for arg in software[start + 5 :] if arg != "-x264-params" and not arg.startswith("fps=")]
            self.assertEqual(args[-len(rest) :], rest)
        self.assertGreater(replaced, 40)

    def test_frames_that_nvenc_cannot_encode_go_to_libx264(self) -> None:
        for case in vectors("encoders.json")["cases"]:
            with self.subTest(str(case)):
                output = OutputSettings(container=case["container"])
                size = Size(case["width"], case["height"])
                args = encoder_args(output, None, uses_nvenc(size, output))
                self.assertEqual(args[1], case["with_gpu"])


class Reading(unittest.TestCase):
    def test_what_ffprobe_tells_is_read_alike(self) -> None:
        for case in vectors("ffprobe-answers.json")["cases"]:
            with self.subTest(case["name"]):
                packets: Packets = {}
                for line in case["packets"]:
                    take(packets, line)
                read = lambda: choose(
                    case["demuxer"],
                    case["answer"],
                    packets,
                    lambda codec: codec != "" and codec not in case["lacks"],
                    "The input",
                )
                if "media" in case:
                    self.assertEqual(read(), media_of(case["media"]))
                else:
                    self.assertEqual(refusal(self, read), case["refused"])

    def test_results_are_judged_alike(self) -> None:
        inputs = vectors("ffmpeg-plans.json")["inputs"]
        for case in vectors("verdicts.json")["cases"]:
            with self.subTest(case["name"]):
                media = media_of(inputs[case["input"]])
                plan = plan_job(case["type"], case["params"], media, typesetter())
                judge = lambda: check_result(media, plan, media_of(case["result"]))
                if case["refused"] is None:
                    judge()
                else:
                    self.assertEqual(refusal(self, judge), case["refused"])


def refusal(test: unittest.TestCase, what: Callable[[], object]) -> dict:
    with test.assertRaises(JobFailure) as caught:
        what()
    failure = caught.exception
    return {"code": failure.code, "should_retry": failure.should_retry, "message": failure.message}


class Orientation(unittest.TestCase):
    def test_images_say_in_exif_how_they_are_turned(self) -> None:
        for order, endian in (("<", b"II"), (">", b"MM")):
            for value, turn in enumerate(("none", "hflip", "half", "vflip", "cclock_flip", "clock", "clock_flip", "cclock"), 1):
                entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, value, 0)
                tiff = endian + struct.pack(f"{order}HIH", 42, 8, 1) + entry
                jpeg = b"\xff\xd8\xff\xe0\0\4JF\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff
                # Behind a picture of one byte.
                png = b"\x89PNG\r\n\x1a\n\0\0\0\1IDAT\0...." + struct.pack(">I", len(tiff)) + b"eXIf" + tiff
                self.assertEqual((turn_of_image(jpeg), turn_of_image(png)), (turn, turn))
        for head in (b"\xff\xd8\xff\xda\0\4..", b"\x89PNG\r\n\x1a\n\0\0\0\1IDAT\0....\0\0\0\0IEND....", b"\xff\xd8\xff\xe1\0\x0aExif\0\0II"):
            self.assertEqual(turn_of_image(head), "none")


class Failures(unittest.TestCase):
    def test_the_shared_vectors(self) -> None:
        for case in vectors("ffmpeg-failures.json")["cases"]:
            with self.subTest(case["said"] or case["killed_by"]):
                failure = failure_of(case["code"], case["killed_by"], case["said"])
                found = {"code": failure.code, "message": failure.message, "should_retry": failure.should_retry}
                self.assertEqual(found, case["failure"])


class Numbers(unittest.TestCase):
    def test_are_written_as_javascript_writes_them(self) -> None:
        for value, wanted in [
            (0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (29.97, "29.97"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (123456789012345680000, "123456789012345680000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (5e-324, "5e-324"),
            (100, "100"),
        ]:
            self.assertEqual(text(value), wanted)

    def test_halves_go_up(self) -> None:
        self.assertEqual([rounded(0.5), rounded(1.5), rounded(2.5), rounded(-0.5)], [1, 2, 3, 0])
        self.assertEqual(rounded(0.49999999999999994), 0)
        self.assertEqual([fixed(0.125, 2), fixed(10, 2), fixed(1.005, 2)], ["0.13", "10.00", "1.00"])


if __name__ == "__main__":
    unittest.main()
