"""The `properties` of test servers: keys of zoo.cfg, but for those that the test server itself decides."""

from collections.abc import Callable, Mapping

from zkeeper.server.config.key_names import meant_in_file


def refuse(properties: Mapping[str, str], is_own: Callable[[str], bool], advice: str) -> None:
    """`ValueError` with the `advice` when a key `is_own`, however it is spelled."""
    for spelling in properties:
        if is_own(meant_in_file(spelling).key):
            raise ValueError(f"{spelling} cannot be a property of a test server: {advice}")
