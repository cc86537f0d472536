"""Does one job of RunPod, read as JSON from standard input, as the GPU worker would, and prints what RunPod is answered."""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "gpu-worker"))
sys.dont_write_bytecode = True

from exportal_worker.handle import make_bench
from exportal_worker.stop import Stop
from exportal_worker.work import work

print(json.dumps(work(json.load(sys.stdin), Stop(), make_bench(os.environ))))
