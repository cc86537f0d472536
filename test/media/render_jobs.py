"""
Runs RunPod jobs, each a line of JSON on standard input, as the GPU worker does: prints one line with each answer to
RunPod.
"""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "gpu-worker"))
sys.dont_write_bytecode = True

from exportal_worker.handle import make_bench
from exportal_worker.stop import Stop
from exportal_worker.work import work

bench = make_bench(os.environ)
for line in sys.stdin:
    print(json.dumps(work(json.loads(line), Stop(), bench)), flush=True)
