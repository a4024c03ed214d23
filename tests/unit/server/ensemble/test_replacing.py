"""What of a history is lost when another one takes its place."""

import pytest

from zkeeper.database.database import Database
from zkeeper.server.ensemble.replacing import what_is_lost

E1, E2 = 1 << 32, 2 << 32


def database(last_zxid: int, created: dict[str, int]) -> Database:
    made = Database()
    made.tree.plant_reserved()
    for path, zxid in created.items():
        made.tree.create(path.encode(), b"", (), 0, -1, zxid, 0)
    made.last_zxid = last_zxid
    return made


@pytest.mark.parametrize(
    ("own_zxid", "own", "new_zxid", "new", "loss"),
    [
        (0, {}, E1 + 9, {"/a": E1 + 1}, ""),
        (E1 + 2, {"/a": E1 + 1}, E1 + 9, {"/a": E1 + 1, "/b": E1 + 5}, ""),
        (E1 + 2, {"/a": E1 + 1}, E1 + 9, {"/b": E1 + 5}, ""),
        (E2, {"/a": E1 + 1}, E1 + 1, {"/a": E1 + 1}, ""),
        (E1 + 2, {"/a": E1 + 1}, E1 + 1, {"/a": E1 + 1}, "which is earlier"),
        (E1 + 2, {"/a": E1 + 1}, E1 + 9, {"/b": E1 + 1}, "which does not contain it"),
        (E1 + 2, {"/a": E1 + 1}, E1 + 9, {"/a": E1 + 2}, "which does not contain it"),
        (E1 + 2, {"/a": E1 + 1, "/b": E1 + 2}, E1 + 9, {"/a": E1 + 1}, "which does not contain it"),
    ],
)
def test_what_is_lost(own_zxid: int, own: dict[str, int], new_zxid: int, new: dict[str, int], loss: str) -> None:
    assert what_is_lost(database(own_zxid, own), database(new_zxid, new), new_zxid) == loss
