"""
Plans jobs: the first line of standard input contains the probes as JSON, each further one a job. Writes a line for each
job with its plan, or the refusal, for each probe.
"""
import json
import sys
from typing import Any

import support

from exportal_worker.failure import JobFailure
from exportal_worker.media import Media
from exportal_worker.plan import plan_job


def answer(job: dict[str, Any], media: Media) -> dict[str, Any]:
    try:
        plan = plan_job(job["type"], job["params"], media, support.typesetter())
    except JobFailure as failure:
        return {"code": failure.code, "should_retry": failure.should_retry, "message": failure.message}
    edit = plan.edit
    args = plan.args([("png_pipe", "clock")] * len(edit.image_keys))
    found = {"args": args, "duration": edit.duration, "texts": edit.texts}
    return {**found, "images": edit.image_keys, "font_sets": edit.font_sets}


probes = [support.media_of(probe) for probe in json.loads(sys.stdin.readline())]
for line in sys.stdin:
    job = json.loads(line)
    print(json.dumps([answer(job, probe) for probe in probes]))
