"""The files that follow the members: what Java wrote and reads, and a crash at each step."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from membership_files_support import CONF, STATIC, at_rest, disk_with, loaded, started

from zkeeper.errors import StorageError
from zkeeper.quorum.membership import Membership
from zkeeper.server.config.dynamic_files import DynamicFiles
from zkeeper.storage.real_disk import RealDisk
from zkeeper.testing.simulation import Killed, SimulatedDisk, Unsynced

# Members as in appendix D of the quorum specification, and what Java 3.9.5 wrote of them.
OLD = "server.1=127.0.0.1:22131:22121;22141\nserver.2=127.0.0.1:22132:22122:participant;127.0.0.1:22142"
NEW = Membership.parse(
    OLD + "\nserver.10=127.0.0.1:22133:22123:observer;22143\ngroup.1=1:2\nweight.2=2\nversion=100000002"
)
WRITTEN = (
    "group.1=1:2\n"
    "server.10=127.0.0.1:22133:22123:observer;0.0.0.0:22143\n"
    "server.1=127.0.0.1:22131:22121:participant;0.0.0.0:22141\n"
    "server.2=127.0.0.1:22132:22122:participant;127.0.0.1:22142\n"
    "weight.1=1\n"
    "weight.2=2"
)
BASE = "# ours\ndataDir=/data\ntickTime=2000\ninitLimit=5\nsyncLimit=2\nreconfigEnabled=true\n"


def with_members() -> SimulatedDisk:
    return disk_with({STATIC: BASE + "clientPort=22141\n" + OLD + "\n", "/data/myid": "1\n"})


def with_dynamic_file() -> SimulatedDisk:
    return disk_with(
        {
            STATIC: f"{BASE}dynamicConfigFile={STATIC}.dynamic.5\n",
            f"{STATIC}.dynamic.5": OLD,
            "/data/myid": "1\n",
        }
    )


def test_a_committed_membership() -> None:
    disk = with_members()
    files = started(disk)
    files.activate(NEW)
    assert at_rest(disk) == {
        "zoo.cfg": f"{BASE}dynamicConfigFile={STATIC}.dynamic.100000002\n",
        "zoo.cfg.bak": f"{BASE}clientPort=22141\n{OLD}\n",
        "zoo.cfg.dynamic.100000002": WRITTEN,
    }
    again = loaded(disk)
    assert again.committed == again.last_seen == NEW


def test_a_proposed_membership_has_its_version_inside() -> None:
    disk = with_dynamic_file()
    started(disk).write_next(NEW)
    assert at_rest(disk)["zoo.cfg.dynamic.next"] == WRITTEN.replace("weight.1", "version=100000002\nweight.1")
    again = loaded(disk)
    assert (again.committed.version, again.last_seen) == (5, NEW)


def test_a_committed_one_is_not_proposed_any_more() -> None:
    disk = with_dynamic_file()
    files = started(disk)
    files.write_next(NEW)
    files.activate(NEW)
    files.remove_next()
    files.remove_next()
    assert sorted(at_rest(disk)) == ["zoo.cfg", "zoo.cfg.dynamic.100000002", "zoo.cfg.dynamic.5"]


def test_one_after_the_other() -> None:
    disk = with_dynamic_file()
    files = started(disk)
    for version in (6, 7):
        files.activate(NEW.with_version(version))
    assert at_rest(disk)["zoo.cfg"].count("dynamicConfigFile") == 1
    assert loaded(disk).committed.version == 7


def test_the_original_is_kept_only_while_it_lists_the_members() -> None:
    disk = with_dynamic_file()
    started(disk)
    assert "zoo.cfg.bak" not in at_rest(disk)


def test_leftovers_go_and_what_is_not_ours_stays() -> None:
    disk = with_dynamic_file()
    strangers = ["zoo.cfg2.tmp", "zoo.cfg.old.tmp", "zoo.cfg.dynamic.x.tmp", "other.tmp"]
    leftovers = ["zoo.cfg.tmp", "zoo.cfg.bak.tmp", "zoo.cfg.dynamic.next.tmp", "zoo.cfg.dynamic.10f.tmp"]
    for name in [*strangers, *leftovers]:
        disk.open_writer(f"{CONF}/{name}").close()
    started(disk)
    names = disk.names(CONF)
    assert [name for name in strangers if name not in names] == []
    assert [name for name in leftovers if name in names] == []


@pytest.mark.parametrize("version", ["5", "4"])
def test_a_proposal_that_is_not_newer_is_removed_at_the_start(version: str) -> None:
    disk = with_dynamic_file()
    file = disk.open_writer(f"{STATIC}.dynamic.next")
    file.write(f"{OLD}\nversion={version}".encode())
    file.close()
    started(disk)
    assert "zoo.cfg.dynamic.next" not in at_rest(disk)


def test_a_folder_that_cannot_be_written_is_found_at_the_start() -> None:
    disk = with_members()
    disk.is_read_only = True
    with pytest.raises(StorageError, match=r"/conf cannot be written to; with reconfigEnabled=true .* give the server"):
        started(disk)


def test_secrets_in_zoo_cfg_stay_with_those_who_may_read_them(tmp_path: Path) -> None:
    static = tmp_path / "zoo.cfg"
    static.write_text(BASE + "clientPort=22141\n" + OLD + "\nDigestAuthenticationProvider.superDigest=super:x\n")
    static.chmod(0o600)
    disk = RealDisk()
    quorum = replace(loaded(with_members()), static_file=str(static))
    files = DynamicFiles(disk, quorum)
    files.prepare()
    files.activate(NEW)
    disk.close()
    for name in ("zoo.cfg", "zoo.cfg.bak"):
        text = (tmp_path / name).read_text()
        assert ("superDigest" in text, (tmp_path / name).stat().st_mode & 0o777) == (True, 0o600), name


@pytest.mark.parametrize("kind", ["create", "write", "sync", "rename", "sync_folder"])
@pytest.mark.parametrize("change", [DynamicFiles.write_next, DynamicFiles.activate])
def test_what_the_disk_refuses_is_told(kind: str, change: Callable[[DynamicFiles, Membership], None]) -> None:
    disk = with_dynamic_file()
    files = started(disk)
    disk.fail_next(kind)
    with pytest.raises(StorageError, match=r"writing /conf/zoo\.cfg.* failed \(EIO"):
        change(files, NEW)


def changes(disk: SimulatedDisk, done: list[str]) -> None:
    """A server's life with one reconfig; `done` tells what it may rely on."""
    files = started(disk)
    done.append("started")
    files.write_next(NEW)
    done.append("proposed")
    files.activate(NEW)
    done.append("activated")
    files.remove_next()
    done.append("removed")


def count_steps(make: Callable[[], SimulatedDisk]) -> int:
    disk = make()
    before = disk.count_steps
    changes(disk, [])
    return disk.count_steps - before


@pytest.mark.parametrize("fate", list(Unsynced))
@pytest.mark.parametrize("make", [with_members, with_dynamic_file])
def test_a_crash_at_any_step_leaves_the_old_members_or_the_new(
    make: Callable[[], SimulatedDisk], fate: Unsynced
) -> None:
    old = Membership.parse(OLD)
    for step in range(1, count_steps(make) + 1):
        disk = make()
        disk.random = random.Random(step)
        done: list[str] = []
        disk.kill_at_step(step, lambda disk=disk: disk.crash(fate))  # type: ignore[misc]  # a default is no argument
        with pytest.raises(Killed):
            changes(disk, done)
        found = loaded(disk)
        is_new = found.committed == NEW
        assert is_new or found.committed.same_as(old), step
        assert is_new or "activated" not in done, step
        # Beside members in zoo.cfg a proposal does not count, as with Java.
        if make is with_dynamic_file and "proposed" in done:
            assert found.last_seen == NEW, step
        started(disk)
        changes(disk, done)
        assert loaded(disk).committed == NEW, step
