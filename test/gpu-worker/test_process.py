"""The worker as a process: its directory beside other workers, its log, and its end."""
import json
import os
import signal
import stat
import subprocess
import sys
import unittest
from pathlib import Path
from unittest.mock import patch

from support import FONTS, ROOT, WorkerTest, eventually

from exportal_worker import VERSION
from exportal_worker.ffmpeg import find_ffmpeg
from exportal_worker.handle import make_bench

HERE = Path(__file__).parent


class Process(WorkerTest):
    def environment(self) -> dict[str, str]:
        return {"EXPORTAL_DIR": str(self.dir / "shared"), "EXPORTAL_FONTS": FONTS[0], "EXPORTAL_ENCODER": "libx264"}

    def start(self, script: str, **environment: str) -> subprocess.Popen:
        child = subprocess.Popen(
            [sys.executable, "-B", "-c", script],
            cwd=HERE,
            env={**os.environ, **self.environment(), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        def end() -> None:
            child.kill()
            child.communicate()

        self.addCleanup(end)
        return child

    def script(self, name: str, text: str) -> str:
        path = self.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)


BENCH = """
import os, sys, support
from exportal_worker.handle import make_bench
print(make_bench(os.environ).dir, flush=True)
"""


class Directory(Process):
    def test_a_starting_worker_leaves_that_of_a_running_one_alone(self) -> None:
        running = self.start(f"{BENCH}sys.stdin.read()")
        theirs = Path(running.stdout.readline().strip())
        (theirs / "job-1").mkdir()
        ours = Path(make_bench(self.environment()).dir)
        self.assertNotEqual(ours, theirs)
        self.assertEqual(sorted(os.listdir(theirs)), ["fonts", "fonts.conf", "job-1"])
        self.assertEqual(sorted(os.listdir(ours)), ["fonts", "fonts.conf"])

    def test_what_a_killed_worker_left_is_removed_though_a_child_of_it_lives_on(self) -> None:
        # RunPod's SDK forks a process for its pings.
        running = self.start(f"{BENCH}os.fork(); sys.stdin.read()")
        theirs = Path(running.stdout.readline().strip())
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        make_bench(self.environment())
        self.assertFalse(theirs.exists())
        self.assertEqual([name for name in os.listdir(theirs.parent) if name.startswith(theirs.name)], [])

    def test_two_of_one_process_have_their_own(self) -> None:
        first, second = make_bench(self.environment()), make_bench(self.environment())
        self.assertNotEqual(first.dir, second.dir)
        self.assertEqual(sorted(os.listdir(first.dir)), ["fonts", "fonts.conf"])


ONE_JOB = """
import asyncio, json, sys, support
from test_work import HANG, Ffmpeg, Worker, media, work_module
work_module.probe = lambda *rest: media()
bench, ffmpeg, job = json.loads(sys.argv[1])
async def main():
    found = Ffmpeg(ffmpeg, "ffprobe", nvenc=False)
    worker = Worker(work_module.Bench(bench, found, support.typesetter().fonts, spacing_s=0.01))
    await worker.handle(job)
    await asyncio.sleep(60)
asyncio.run(main())
"""


class Ending(Process):
    def test_sigterm_ends_the_process_where_nobody_else_listens_once_the_job_is_cleaned_up(self) -> None:
        self.service.files["clip.mp4"] = b"a clip"
        ffmpeg = self.script("ffmpeg", 'echo out_time_us=1000000; while :; do sleep 0.05; done')
        given = json.dumps([str(self.dir), ffmpeg, self.service.job()])
        script = ONE_JOB.replace("sys.argv[1]", repr(given))
        running = self.start(script)
        eventually(lambda: any(body["progress"] > 5 for body in self.service.of("progress")), "rendering")
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=20)
        self.assertEqual(running.returncode, -signal.SIGTERM, said)
        told = self.service.of("error")
        self.assertEqual([(error["code"], error["should_retry"]) for error in told], [("worker_error", True)])
        self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("job-")], [])


FAKE_SDK = """
import logging
logging.basicConfig(level=logging.CRITICAL, format="of the SDK: %(message)s")
class serverless:
    @staticmethod
    def start(config):
        print(sorted(config))
"""


class Surroundings(Process):
    def test_a_program_that_does_not_run_is_named_when_the_worker_starts(self) -> None:
        good = self.script("ffmpeg", "echo ffmpeg version 7")
        absent = str(self.dir / "absent")
        for paths, missing in (((absent, good), ["ffmpeg"]), ((good, absent), ["ffprobe"])):
            environment = {"FFMPEG_PATH": paths[0], "FFPROBE_PATH": paths[1], "EXPORTAL_ENCODER": "libx264"}
            with self.assertLogs("exportal", "ERROR") as logged:
                self.assertEqual(find_ffmpeg(environment).missing, missing)
            self.assertIn(f"{missing[0]} does not run", logged.output[0])

    def test_relative_paths_hold_in_the_directory_of_a_job_too(self) -> None:
        self.script("bin/ffmpeg", "echo ffmpeg version 7")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.dir)
        relative = {"EXPORTAL_DIR": "work", "FFMPEG_PATH": "bin/ffmpeg", "FFPROBE_PATH": "bin/ffmpeg"}
        bench = make_bench({**self.environment(), **relative})
        program = os.path.abspath("bin/ffmpeg")
        self.assertEqual((bench.ffmpeg.path, bench.ffmpeg.probe_path), (program, program))
        self.assertTrue(os.path.isabs(bench.dir))

    def test_a_font_that_cannot_be_used_is_named(self) -> None:
        for path, words in ((str(self.dir / "absent.ttf"), "cannot be read"), (self.file(b"x" * 90), "is no font")):
            with self.assertRaisesRegex(ValueError, f"^EXPORTAL_FONTS: {path} {words}"):
                make_bench({**self.environment(), "EXPORTAL_FONTS": path})


class Log(Process):
    def test_is_the_worker_s_own_though_the_sdk_has_set_one_up(self) -> None:
        package = self.dir / "packages" / "runpod"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(FAKE_SDK)
        run = "import runpy; runpy.run_path('handler.py', run_name='__main__')"
        environment = {"PYTHONPATH": os.pathsep.join([str(package.parent), str(ROOT / "gpu-worker")])}
        script = f"import os; os.chdir({str(ROOT / 'gpu-worker')!r}); {run}"
        said, logged = self.start(script, **environment).communicate(timeout=30)
        self.assertEqual(said.strip(), "['handler']", logged)
        self.assertRegex(logged, r"exportal ffmpeg is \S+, version")

    def warnings(self, gpus: str, encoder: str = "auto") -> list[str]:
        ffmpeg = self.script("ffmpeg", 'case "$*" in *h264_nvenc*) exit 1;; esac')
        if gpus:
            self.script("bin/nvidia-smi", gpus)
        with patch.dict(os.environ, PATH=f"{self.dir / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"):
            with self.assertLogs("exportal", "INFO") as logged:
                find_ffmpeg({"FFMPEG_PATH": ffmpeg, "EXPORTAL_ENCODER": encoder})
        return [line for line in logged.output if "NVENC does not work" in line]

    def test_warns_of_a_gpu_without_nvenc_by_its_name(self) -> None:
        (line,) = self.warnings("echo NVIDIA A100-SXM4-80GB; echo NVIDIA A100-SXM4-80GB")
        self.assertIn("WARNING", line)
        self.assertIn("NVIDIA A100-SXM4-80GB", line)

    def test_does_not_where_there_is_no_gpu_or_nobody_wants_one(self) -> None:
        self.assertEqual(self.warnings(""), [])
        self.assertEqual(self.warnings("echo NVIDIA-SMI has failed; exit 9"), [])
        self.assertEqual(self.warnings("echo NVIDIA A100-SXM4-80GB", "libx264"), [])


class Version(unittest.TestCase):
    def test_is_that_of_the_project(self) -> None:
        package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
        self.assertEqual(VERSION, package["version"])


if __name__ == "__main__":
    unittest.main()
