"""
Gives each process a directory below one that several workers may share. A record lock beside it marks it as in use: the
kernel releases the lock however the process ends, and no child inherits it (fcntl(2)), such as the one that RunPod's
SDK forks for its pings, which survives a SIGKILL of the worker.
"""
import fcntl
import os
import shutil
import tempfile

_PREFIX = "worker-"
#: Lock files of this process. They are never closed, so the locks are held as long as it lives.
_own: set[str] = set()


def own_directory(shared: str) -> str:
    """Creates a directory below `shared`, and removes those of processes that have ended."""
    # Fontconfig accepts no relative path.
    shared = os.path.abspath(shared)
    os.makedirs(shared, exist_ok=True)
    # One process at a time: otherwise a directory could be removed between its creation and its lock.
    with open(os.path.join(shared, "lock"), "w", encoding="utf-8") as turn:
        fcntl.lockf(turn, fcntl.LOCK_EX)
        for name in os.listdir(shared):
            path = os.path.join(shared, name)
            if name.startswith(_PREFIX) and os.path.isdir(path) and path not in _own:
                _remove_unused(path)
        path = tempfile.mkdtemp(prefix=_PREFIX, dir=shared)
        fcntl.lockf(os.open(_lock_of(path), os.O_CREAT | os.O_WRONLY, 0o600), fcntl.LOCK_EX)
        _own.add(path)
    return path


def _lock_of(path: str) -> str:
    return f"{path}.lock"


def _remove_unused(path: str) -> None:
    try:
        with open(_lock_of(path), "w", encoding="utf-8") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            os.unlink(lock.name)
    except OSError:
        # Another process uses it, or it belongs to another user.
        return
