"""Standard streams that a tool was started without (`>&-`).

Their descriptors would be given to the first file or socket that is opened; and libuv ends a program that closes one.
"""

import os
import sys


def open_standard_streams() -> None:
    """Those that are missing are empty and swallow everything."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It is given the lowest number that is free.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115  open to the end
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  open to the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  open to the end
