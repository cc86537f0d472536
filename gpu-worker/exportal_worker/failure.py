"""The reason of a failed job in the form of the error report: a sentence for people, and the fields for the service."""


class JobFailure(Exception):
    """
    `code` is one of `invalid_params`, `invalid_media`, `input_not_found`, `out_of_memory`, `worker_error`. The message
    is converted to well-formed Unicode.
    """

    def __init__(self, code: str, message: str, should_retry: bool) -> None:
        self.message = well_formed(message)
        super().__init__(self.message)
        self.code = code
        self.should_retry = should_retry


def invalid_media(message: str) -> JobFailure:
    """Media that fail again with every retry."""
    return JobFailure("invalid_media", message, False)


def invalid_params(message: str) -> JobFailure:
    """Params that the service should have refused."""
    return JobFailure("invalid_params", message, False)


def to_failure(error: BaseException) -> JobFailure:
    """Any other error as a failure: most likely temporary and of this worker, so retryable."""
    if isinstance(error, JobFailure):
        return error
    if isinstance(error, MemoryError):
        return JobFailure("out_of_memory", "The worker ran out of memory.", True)
    # The full text of an OSError contains a local path.
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return JobFailure("worker_error", f"The worker failed: {reason or type(error).__name__}", True)


def well_formed(text: str) -> str:
    """Replaces unpaired surrogates, which Python creates from file names that are not UTF-8, by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
