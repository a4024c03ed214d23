"""Linux's io_uring, as much of it as a log needs: one write at a time, without a thread.

1. A ring has room for one write; the next is started when `result` has told of the one before.
2. The kernel reads and writes the memory of the ring only in the system calls and before the ring's descriptor becomes
   readable, so no barrier beyond those calls is needed.
3. What a write is made from must stay as it is until `result` has told of it.

Numbers and layouts are those of `linux/io_uring.h`; the numbers of its system calls are other calls elsewhere.
"""

import contextlib
import ctypes
import errno
import mmap
import os
import struct
import sys
from typing import Final

SETUP: Final = 425
ENTER: Final = 426
SINGLE_MMAP: Final = 1
WAIT_FOR_EVENTS: Final = 1
SQES_OFFSET: Final = 0x10000000
WRITE: Final = 23
RWF_DSYNC: Final = 2

PARAMETERS: Final = struct.Struct("=10I8IQ8IQ")
ENTRY: Final = struct.Struct("=BBHiQQIIQ24x")
COMPLETION: Final = struct.Struct("=QiI")
INDEX_BYTES: Final = 4

_system_call = ctypes.CDLL(None, use_errno=True).syscall
_system_call.restype = ctypes.c_long
_system_call.argtypes = (ctypes.c_long,) * 7


class Ring:
    """Raises `OSError` where the system has no io_uring, or forbids it."""

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, "io_uring is Linux's")
        parameters = ctypes.create_string_buffer(PARAMETERS.size)
        self._descriptor = _call(SETUP, 1, ctypes.addressof(parameters))
        try:
            self._map(parameters.raw)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _map(self, raw: bytes) -> None:
        fields = PARAMETERS.unpack(raw)
        entries, completions, features = fields[0], fields[1], fields[5]
        if not features & SINGLE_MMAP:
            raise OSError("this kernel's io_uring is too old")
        _, tail, _, _, _, _, array = fields[10:17]
        done_head, done_tail, done_mask, _, _, self._done = fields[19:25]
        size_bytes = max(array + entries * INDEX_BYTES, self._done + completions * COMPLETION.size)
        self._memory = mmap.mmap(self._descriptor, size_bytes, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
        self._entries = mmap.mmap(
            self._descriptor, entries * ENTRY.size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, offset=SQES_OFFSET
        )
        self._indexes = memoryview(self._memory).cast("I")
        self._tail = tail // INDEX_BYTES
        self._done_head, self._done_tail = done_head // INDEX_BYTES, done_tail // INDEX_BYTES
        self._done_mask = self._indexes[done_mask // INDEX_BYTES]
        self._started = self._indexes[self._tail]
        self._indexes[array // INDEX_BYTES] = 0

    def fileno(self) -> int:
        """Readable when a write is done."""
        return self._descriptor

    def start_write(self, descriptor: int, address: int, size_bytes: int, offset: int) -> None:
        """Writes memory to a file, durably. `OSError` when it cannot be started."""
        ENTRY.pack_into(self._entries, 0, WRITE, 0, 0, descriptor, offset, address, size_bytes, RWF_DSYNC, 0)
        self._started = (self._started + 1) & 0xFFFFFFFF
        self._indexes[self._tail] = self._started
        if _call(ENTER, self._descriptor, 1) != 1:
            raise OSError(errno.EAGAIN, "the kernel took no write")

    def result(self) -> int | None:
        """What the write came to: bytes, or a negative errno; None while it is on its way."""
        head = self._indexes[self._done_head]
        if head == self._indexes[self._done_tail]:
            return None
        at = self._done + (head & self._done_mask) * COMPLETION.size
        value: int = COMPLETION.unpack_from(self._memory, at)[1]
        self._indexes[self._done_head] = (head + 1) & 0xFFFFFFFF
        return value

    def wait(self) -> None:
        """Blocks until the write on its way is done. Looks after a system call only (rule 2)."""
        while True:
            with contextlib.suppress(InterruptedError):
                _call(ENTER, self._descriptor, 0, 1, WAIT_FOR_EVENTS)
            if self._indexes[self._done_head] != self._indexes[self._done_tail]:
                return

    def close(self) -> None:
        self._indexes.release()
        self._memory.close()
        self._entries.close()
        os.close(self._descriptor)


def _call(number: int, first: int, second: int, third: int = 0, fourth: int = 0) -> int:
    value: int = _system_call(number, first, second, third, fourth, 0, 0)
    if value < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return value
