"""
A small version of RunPod's worker loop around the real handler: takes jobs, sends pings for them, stops them on
request, and posts their results. It uses only the environment variables that RunPod sets, and replaces RunPod's SDK in
these tests.
"""
import asyncio
import json
import os
import urllib.request
from typing import Any

import support

from exportal_worker.handle import Worker, make_bench

ENV = os.environ
POD = ENV["RUNPOD_POD_ID"]


def call(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": ENV["RUNPOD_AI_API_KEY"]})
    with urllib.request.urlopen(request, timeout=90) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def address(name: str, job_id: str = "") -> str:
    filled = POD if name == "RUNPOD_WEBHOOK_GET_JOB" else job_id
    return ENV[name].replace("$RUNPOD_POD_ID", POD).replace("$ID", filled)


async def ping(running: dict[str, asyncio.Task]) -> None:
    while True:
        await asyncio.to_thread(call, f"{address('RUNPOD_WEBHOOK_PING')}&job_id={','.join(running)}")
        await asyncio.sleep(int(ENV["RUNPOD_PING_INTERVAL"]) / 1000)


async def listen_for_stops(running: dict[str, asyncio.Task]) -> None:
    url = address("RUNPOD_WEBHOOK_GET_JOB").replace("/job-take/", "/job-stop/")
    while True:
        for job_id in (await asyncio.to_thread(call, url))["jobsToStop"]:
            if job_id in running:
                running[job_id].cancel()


async def main() -> None:
    assert support.ROOT, "the package is on the path"
    worker = Worker(make_bench(ENV))
    running: dict[str, asyncio.Task] = {}
    beside = [asyncio.create_task(ping(running)), asyncio.create_task(listen_for_stops(running))]
    while all(not task.done() for task in beside):
        job = await asyncio.to_thread(call, f"{address('RUNPOD_WEBHOOK_GET_JOB')}&job_in_progress=0")
        if job is None:
            continue
        if "WITHOUT_LINE" in ENV:
            job["input"].pop("line_url", None)
        task = running[job["id"]] = asyncio.create_task(worker.handle(job))
        await asyncio.wait({task})
        del running[job["id"]]
        if task.cancelled():
            print(f"stopped {job['id']}", flush=True)
            continue
        output = task.result()
        # The fields beside the error are kept, as in the SDK.
        error = {"error": output.pop("error")} if "error" in output else {}
        body = {**error, **({"output": output} if output else {})}
        await asyncio.to_thread(call, f"{address('RUNPOD_WEBHOOK_POST_OUTPUT', job['id'])}&isStream=false", body)
        print(f"done {job['id']}", flush=True)
    for task in beside:
        if task.done():
            task.result()


if __name__ == "__main__":
    asyncio.run(main())
