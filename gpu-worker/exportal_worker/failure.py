"""Why a job failed, in the words of the error report: a sentence for a person, and what the service needs."""


class JobFailure(Exception):
    """
    `code` is one of `invalid_params`, `invalid_media`, `input_not_found`, `out_of_memory`, `worker_error`. The message
    is made well-formed.
    """

    def __init__(self, code: str, message: str, should_retry: bool) -> None:
        self.message = well_formed(message)
        super().__init__(self.message)
        self.code = code
        self.should_retry = should_retry


def invalid_media(message: str) -> JobFailure:
    """Media that no retry can mend."""
    return JobFailure("invalid_media", message, False)


def invalid_params(message: str) -> JobFailure:
    """Params that the service should have refused."""
    return JobFailure("invalid_params", message, False)


def to_failure(error: BaseException) -> JobFailure:
    """Anything else as a failure: most likely a passing trouble of this worker, so worth another attempt."""
    if isinstance(error, JobFailure):
        return error
    if isinstance(error, MemoryError):
        return JobFailure("out_of_memory", "The worker ran out of memory.", True)
    return JobFailure("worker_error", f"The worker failed: {error or type(error).__name__}", True)


def well_formed(text: str) -> str:
    """Lone halves of surrogate pairs, which Python makes of file names that are not UTF-8, become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
