"""Valid and invalid job inputs, with the cases that both workers share."""
import unittest

from support import vectors

from exportal_worker.failure import JobFailure
from exportal_worker.job_input import parse_input


class JobInputs(unittest.TestCase):
    def test_the_shared_vectors(self) -> None:
        for case in vectors("job-inputs.json")["cases"]:
            with self.subTest(case["name"]):
                if case["wrong"] is None:
                    parse_input(case["input"])
                    continue
                with self.assertRaises(JobFailure) as caught:
                    parse_input(case["input"])
                self.assertEqual(caught.exception.code, "invalid_params")
                words = f"The job input is unusable: {case['wrong']}: "
                self.assertTrue(caught.exception.message.startswith(words), caught.exception.message)


if __name__ == "__main__":
    unittest.main()
