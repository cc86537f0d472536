"""Plans one job for each line of JSON on standard input, and writes a line with the plan or the refusal."""
import json
import sys

import support

from exportal_worker.failure import JobFailure
from exportal_worker.plan import plan_job


def answer(case: dict) -> dict:
    media = support.media_of(case["input"])
    try:
        plan = plan_job(case["type"], case["params"], media)
    except JobFailure as failure:
        return {"code": failure.code, "should_retry": failure.should_retry, "message": failure.message}
    args = plan.args([("png_pipe", "clock")] * len(plan.edit.image_keys))
    return {"args": args, "duration": plan.edit.duration, "texts": plan.edit.texts, "images": plan.edit.image_keys}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
