"""The entry point of the image: RunPod's SDK on one side, the worker on the other."""
import logging
import os

import runpod

from exportal_worker.handle import Worker, make_bench

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    worker = Worker(make_bench(os.environ))
    runpod.serverless.start({"handler": worker.handle})
