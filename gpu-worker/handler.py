"""The entry point of the image: connects RunPod's SDK to the worker."""
import logging
import os

import runpod

from exportal_worker.handle import Worker, make_bench

if __name__ == "__main__":
    # The SDK has set its own handler by now.
    logging.basicConfig(force=True, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    worker = Worker(make_bench(os.environ))
    runpod.serverless.start({"handler": worker.handle})
