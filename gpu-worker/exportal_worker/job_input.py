"""The job input from Exportal, validated once at the start of the handler."""
from dataclasses import dataclass
from typing import Any

from .checks import boolean, fields, matching, number, optional, parse, record_of, string

_URL = matching(r"https?://[\s\S]*", "must be an http(s) URL")
_CHECK = fields(
    job_id=string,
    type=string,
    params=optional(record_of(lambda value: value), {}),
    input_url=_URL,
    input_is_external=optional(boolean, False),
    input_max_bytes=optional(number(1)),
    assets=optional(record_of(_URL), {}),
    output=fields(
        video_key=string, content_type=string, put_url=_URL, multipart_url=optional(_URL), poster_put_url=optional(_URL)
    ),
    callback_url=_URL,
    callback_token=string,
    line_url=optional(matching(r"wss?://[\s\S]*", "must be a ws(s) URL")),
)


@dataclass(frozen=True)
class Output:
    video_key: str
    content_type: str
    put_url: str
    #: Base URL of the routes for a multipart upload; None when the service has none.
    multipart_url: str | None
    #: URL for the upload of a poster; None when the service accepts none.
    poster_put_url: str | None


@dataclass(frozen=True)
class JobInput:
    job_id: str
    type: str
    params: dict[str, Any]
    input_url: str
    #: Whether `input_url` is a URL of the creator, rather than a signed one of the service.
    input_is_external: bool
    #: Maximum size of an input that the service accepts; None when unknown.
    input_max_bytes: int | float | None
    assets: dict[str, str]
    output: Output
    callback_url: str
    callback_token: str
    #: URL of a WebSocket for reports; None when the service has none.
    line_url: str | None


def parse_input(value: Any) -> JobInput:
    """The parsed input; raises a failure `invalid_params` that names the field."""
    given = parse(_CHECK, value, "The job input is unusable")
    return JobInput(**{**given, "output": Output(**given["output"])})
