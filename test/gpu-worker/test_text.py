"""Line breaks and undrawable characters: the vectors on which both workers must agree."""
import unittest

from support import FONTS, typesetter, vectors

from exportal_worker.failure import JobFailure
from exportal_worker.media import Size
from exportal_worker.text.font import read_font
from exportal_worker.text.layout import lay_out
from exportal_worker.text.refusal import refuse_undrawable

SHARED = vectors("text-layouts.json")


class Text(unittest.TestCase):
    def test_the_shared_layouts(self) -> None:
        self.assertGreater(len(SHARED["layouts"]), 20)
        for case in SHARED["layouts"]:
            with self.subTest(case["name"]):
                block = lay_out(case["item"], case["item"]["text"], Size(**SHARED["frame"]), typesetter().fonts)
                lines = [
                    {"width": line.width, "runs": [[run.font.family, run.text] for run in line.runs]}
                    for line in block.lines
                ]
                numbers = {
                    name: getattr(block, name) for name in ("font_size", "padding", "x", "y", "ascent", "pitch")
                }
                self.assertEqual({"name": case["name"], "item": case["item"], "lines": lines, **numbers}, case)

    def test_the_shared_refusals(self) -> None:
        for case in SHARED["refusals"]:
            with self.subTest(f"{case['text']} with {case['shaper']}"):
                refused = None
                try:
                    refuse_undrawable(case["text"], typesetter(case["shaper"]))
                except JobFailure as failure:
                    refused = failure.message
                    self.assertEqual((failure.code, failure.should_retry), ("invalid_params", False))
                self.assertEqual(refused, case["refused"])

    def test_a_file_that_is_no_font_is_said_to_be_none(self) -> None:
        with open(FONTS[0], "rb") as file:
            font = file.read()
        for data in (b"", b"no font at all", font[:500]):
            with self.assertRaises(ValueError):
                read_font(data)
