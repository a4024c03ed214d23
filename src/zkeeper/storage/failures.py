"""Sentences for what a disk refused: which file, why, and what to do."""

import errno
from typing import Final

from zkeeper.errors import StorageError

_ADVICE: Final = {
    errno.ENOSPC: "the disk is full: free space on that file system, then start the server again",
    errno.EDQUOT: "the disk quota is used up: raise it or free space, then start the server again",
    errno.EACCES: "give the server's user permission to read and write there",
    errno.EPERM: "give the server's user permission to read and write there",
    errno.EROFS: "the file system is mounted read-only: find out why before mounting it writable again",
    errno.EIO: "the device reports a failure: look at the system's log and check the disk before going on",
    errno.EEXIST: "a file is where a folder should be: correct dataDir or dataLogDir, or move the file away",
    errno.ENOTDIR: "a file is where a folder should be: correct dataDir or dataLogDir, or move the file away",
    errno.EFBIG: "the limit on the size of files is reached: raise it (ulimit -f), then start the server again",
    errno.ENOENT: "the file or its folder is gone: check that the data folders are mounted and left alone",
}
_OTHER_ADVICE: Final = "look at the system's log for the cause, then start the server again"


def failure(doing: str, path: str, error: OSError) -> StorageError:
    """A `StorageError` for `error`, met while `doing` (as in "writing") the file or folder at `path`."""
    number = error.errno if error.errno is not None else 0
    name = errno.errorcode.get(number, "unknown errno")
    advice = _ADVICE.get(number, _OTHER_ADVICE)
    return StorageError(f"{doing} {path} failed ({name}: {error.strerror or error}); {advice}")
