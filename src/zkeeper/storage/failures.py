"""Sentences for what a disk refused: which file, why, and what to do."""

import errno
from typing import Final

from zkeeper.errors import StorageError

_ADVICE: Final = {
    errno.ENOSPC: "the disk is full: free space on that file system",
    errno.EDQUOT: "the disk quota is used up: raise it or free space",
    errno.EACCES: "give the server's user permission to read and write there",
    errno.EPERM: "give the server's user permission to read and write there",
    errno.EROFS: "the file system is mounted read-only: find out why before mounting it writable again",
    errno.EIO: "the device reports a failure: look at the system's log and check the disk before going on",
    errno.EEXIST: "a file is where a folder should be: correct dataDir or dataLogDir, or move the file away",
    errno.ENOTDIR: "a file is where a folder should be: correct dataDir or dataLogDir, or move the file away",
    errno.EFBIG: "the limit on the size of files is reached: raise it (ulimit -f)",
    errno.EISDIR: "a folder is where a file should be: find out what it is, and move it away",
    errno.ENOENT: "the file or its folder is gone: check that the data folders are mounted and left alone",
}
_OTHER_ADVICE: Final = "look at the system's log for the cause"


def failure(doing: str, path: str, error: OSError) -> StorageError:
    """A `StorageError` for `error`, met while `doing` (as in "writing") what is at `path`; names the file that the
    error does, unless that is a folder above."""
    number = error.errno if error.errno is not None else 0
    name = errno.errorcode.get(number, "unknown errno")
    advice = _ADVICE.get(number, _OTHER_ADVICE)
    named = error.filename
    at_fault = named if isinstance(named, str) and not path.startswith(named) else path
    return StorageError(f"{doing} {at_fault} failed ({name}: {error.strerror or error}); {advice}")
