"""The short way to a durable write: past the page cache, without a thread, where Linux allows it.

A thread costs two wake-ups and two turns of the interpreter's lock for each sync; the page cache costs a second pass
over the data. io_uring with `O_DIRECT` needs neither. It writes whole blocks. So the last one, which is partly filled,
is kept in memory and written again with what follows; behind the data it holds the zeros that a log has there.

1. A write goes this way only into bytes that the file has been given (`reserve`); its end is not moved.
2. While one is on its way nothing else touches the file: the lane is held.
3. It either succeeds as a whole or is done again by the ordinary way, which overwrites the same bytes and tells what is
   wrong. After one that did not succeed this way is not taken any more.
4. A write on its way outlives a process that is killed. So the file is locked (flock) through the descriptor that the
   write goes to: the lock lasts until the write is done, and `RealDisk.lock` waits for it.
5. Rewriting the last block puts nothing at risk that was acknowledged: it holds the same bytes again, at the same
   place, so whatever part of the write a power cut leaves, they are there.
6. A block that was never written costs the file system an entry in its journal. `zero_next` writes zeros ahead of the
   data, as a job of the lane, so that most blocks have been.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import mmap
import os
from collections.abc import Callable
from typing import Final

from zkeeper.storage.ring import Ring

BLOCK_BYTES: Final = 4096
MAX_WRITE_BYTES: Final = 1 << 18
ZEROED_AHEAD_BYTES: Final = 1 << 19

O_DIRECT: int = getattr(os, "O_DIRECT", 0)


class DirectWriter:
    """One ring, on one loop. `DirectWriter.on(loop)` is None where the system has none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Ring) -> None:
        self.loop = loop
        self.is_usable = True
        self._ring = ring
        self._told: Callable[[int], None] | None = None
        loop.add_reader(ring.fileno(), self._maybe_done)

    @classmethod
    def on(cls, loop: asyncio.AbstractEventLoop) -> "DirectWriter | None":
        if not O_DIRECT:
            return None
        try:
            ring = Ring()
        except OSError:
            return None
        try:
            return cls(loop, ring)
        except (OSError, NotImplementedError):
            ring.close()
            return None

    def is_free(self) -> bool:
        return self.is_usable and self._told is None

    def write(self, descriptor: int, address: int, size_bytes: int, offset: int, told: Callable[[int], None]) -> bool:
        """Starts a write; `told` hears what it came to, as `Ring.result` has it. False when it cannot be started."""
        assert self._told is None, "one write is on its way already"
        try:
            self._ring.start_write(descriptor, address, size_bytes, offset)
        except OSError:
            self.is_usable = False
            return False
        self._told = told
        return True

    def _maybe_done(self) -> None:
        result = self._ring.result()
        if result is not None:
            told, self._told = self._told, None
            assert told is not None
            told(result)

    def close(self) -> None:
        """Waits for the write on its way."""
        self.is_usable = False
        if self._told is not None:
            self._ring.wait()
            self._maybe_done()
        if not self.loop.is_closed():
            self.loop.remove_reader(self._ring.fileno())
        self._ring.close()


class DirectFile:
    """The file at hand, opened a second time. `DirectFile.of(descriptor)` is None where its file system refuses."""

    def __init__(self, descriptor: int, direct: int) -> None:
        self._descriptor = descriptor
        self._direct = direct
        self._buffer = mmap.mmap(-1, MAX_WRITE_BYTES)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        self._end = -1
        self._zeroed = 0

    @classmethod
    def of(cls, descriptor: int) -> "DirectFile | None":
        try:
            direct = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | O_DIRECT | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(direct, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return cls(descriptor, direct)
        except OSError:
            os.close(direct)
            return None

    def write(
        self, writer: DirectWriter, data: bytes, position: int, size_bytes: int, told: Callable[[bool], None]
    ) -> bool:
        """Starts to write `data` at `position` of a file of `size_bytes`; `told` hears whether it is durable.

        False, and nothing is done, when the write does not fit this way.
        """
        start = position - position % BLOCK_BYTES
        end = position - start + len(data)
        whole = end + -end % BLOCK_BYTES
        if whole > MAX_WRITE_BYTES or start + whole > size_bytes:
            return False
        if position != self._end and not self._load(start, position - start):
            return False
        self._buffer[position - start : end] = data
        self._buffer[end:whole] = bytes(whole - end)

        def done(result: int) -> None:
            if result == whole:
                self._wrote(start, end)
            told(result == whole)

        self._end = -1
        return writer.write(self._direct, self._address, whole, start, done)

    def _load(self, start: int, size_bytes: int) -> bool:
        """Reads what the last block holds already. Where that fails the lane's write will tell why."""
        try:
            data = os.pread(self._descriptor, size_bytes, start)
        except OSError:
            return False
        if len(data) == size_bytes:
            self._buffer[:size_bytes] = data
        return len(data) == size_bytes

    def _wrote(self, start: int, end: int) -> None:
        """Keeps the last block, if it is partly filled, for the next write."""
        full = end - end % BLOCK_BYTES
        if full:
            self._buffer[: end - full] = self._buffer[full:end]
        self._end = start + end

    def wants_zeros(self, position: int, size_bytes: int) -> bool:
        """Whether `zero_next` is due, since less than half of what it makes is left ahead of `position`."""
        return self._zeroed < size_bytes and self._zeroed - position < ZEROED_AHEAD_BYTES // 2

    def zero_next(self, position: int, size_bytes: int) -> None:
        """Writes zeros behind `position`, where nothing was written yet. A failure only costs speed."""
        start = max(self._zeroed, position + -position % BLOCK_BYTES)
        self._zeroed = min(start + ZEROED_AHEAD_BYTES, size_bytes)
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, bytes(max(0, self._zeroed - start)), start)
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._direct)
