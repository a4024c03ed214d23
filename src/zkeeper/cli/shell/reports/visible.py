"""Makes control characters visible: what others wrote into znodes must not steer the terminal."""

from typing import Final

_PICTURES: Final = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
_VISIBLE: Final = {**_PICTURES, 0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}


def visible(text: str) -> str:
    """With a picture for each control character but line ends and tabs."""
    return text.translate(_VISIBLE)
