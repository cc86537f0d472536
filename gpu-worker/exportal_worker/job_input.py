"""The job input that Exportal sends, checked once at the door of the handler."""
from dataclasses import dataclass
from typing import Any

from .checks import fields, matching, optional, parse, record_of, string

_URL = matching(r"https?://[\s\S]*", "must be an http(s) URL")
_CHECK = fields(
    job_id=string,
    type=string,
    params=optional(record_of(lambda value: value), {}),
    input_url=_URL,
    assets=optional(record_of(_URL), {}),
    output=fields(video_key=string, content_type=string, put_url=_URL, multipart_url=optional(_URL)),
    callback_url=_URL,
    callback_token=string,
)


@dataclass(frozen=True)
class Output:
    video_key: str
    content_type: str
    put_url: str
    #: Where the routes for an upload in parts begin; None when the service offers none.
    multipart_url: str | None


@dataclass(frozen=True)
class JobInput:
    job_id: str
    type: str
    params: dict[str, Any]
    input_url: str
    assets: dict[str, str]
    output: Output
    callback_url: str
    callback_token: str


def parse_input(value: Any) -> JobInput:
    """The input, or a failure `invalid_params` that names the field."""
    given = parse(_CHECK, value, "The job input is unusable")
    return JobInput(**{**given, "output": Output(**given["output"])})
