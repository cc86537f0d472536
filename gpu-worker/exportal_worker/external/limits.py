"""Limits of size and time for external inputs."""
from dataclasses import dataclass

MAX_REDIRECTS = 5


@dataclass(frozen=True)
class Limits:
    """
    Times in seconds: `connect_s` for each of a connection and its handshake, `answer_s` from the request to the end of
    the answer's headers, `stall_s` between two pieces of the body, `whole_s` for everything, including redirects and
    repeats.
    """

    most_bytes: int = 5 * 1024**3
    connect_s: float = 10
    answer_s: float = 30
    stall_s: float = 30
    whole_s: float = 20 * 60


class Refused(Exception):
    """The input can never be used in this form; the message continues "The input at …"."""
