"""What an operator reads when a server does not start or cannot go on: file, reason and remedy, and the exit code."""

import os
import resource
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from serve_support import serving, start_and_end

HERE = "clientPort=0\nclientPortAddress=127.0.0.1\ndataDir=./data\n"
SHORT_FORM = ("0", "data")
LOG, SNAPSHOT = "log.1", "snapshot.0"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["abc", "data"], ['argument 1: clientPort=abc: For input string: "abc" (write a whole number)']),
        (["--port", "99999"], ["the command line: clientPort=99999", "write a number from 0 to 65535"]),
        (["2181"], ["2181 file is missing (write 2181 dataDir, or --port 2181)"]),
        (["no.cfg"], ["no.cfg file is missing (name an existing file)"]),
        (["."], [". cannot be read: Is a directory (check the path and its permissions)"]),
        (["-D", "x"], ["-D x has no value (write -D key=value)"]),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: list[str], told: list[str]) -> None:
    ended = start_and_end(*arguments, cwd=tmp_path)
    assert (ended.code, [part for part in told if part not in ended.told]) == (2, []), ended.told


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (HERE + "tickTime=2OOO\n", ["zoo.cfg line 4: tickTime=2OOO", "(write a whole number)"]),
        (
            HERE.replace("dataDir", "dataDri"),
            [
                "zoo.cfg: dataDir is not set (name the folder",
                "warning: zoo.cfg line 3: dataDri",
                "did you mean dataDir?",
            ],
        ),
        (
            HERE + "server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n",
            ["zoo.cfg: initLimit is not set (write its ticks, usually 10)"],
        ),
        (
            HERE + "dynamicConfigFile=zoo.dyn\n",
            ["zoo.cfg line 4: dynamicConfigFile=zoo.dyn: Error processing zoo.dyn: No such file or directory"],
        ),
    ],
)
def test_wrong_configurations(tmp_path: Path, config: str, told: list[str]) -> None:
    (tmp_path / "zoo.cfg").write_text(config)
    ended = start_and_end("zoo.cfg", cwd=tmp_path)
    assert (ended.code, [part for part in told if part not in ended.told]) == (2, []), ended.told
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("myid", "code", "told"), [("2", 0, ""), ("9", 2, "My id 9 not in the peer list (correct ./data/myid")]
)
def test_a_member_of_an_ensemble_can_be_checked(tmp_path: Path, myid: str, code: int, told: str) -> None:
    members = "initLimit=5\nsyncLimit=2\nserver.1=a:2888:3888\nserver.2=b:2888:3888\n"
    (tmp_path / "zoo.cfg").write_text(HERE + members)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "myid").write_text(f"{myid}\n")
    ended = start_and_end("zoo.cfg", "--check", cwd=tmp_path)
    assert (ended.code, told in ended.told) == (code, True), ended.told
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["myid"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("no.such.host.invalid", "port 0 on no.such.host.invalid ("),
        ("192.0.2.1", "no interface of this machine has that address: correct clientPortAddress"),
    ],
)
def test_wrong_addresses(tmp_path: Path, address: str, told: str) -> None:
    (tmp_path / "zoo.cfg").write_text(HERE.replace("127.0.0.1", address))
    ended = start_and_end("zoo.cfg", cwd=tmp_path)
    assert (ended.code, told in ended.told) == (1, True), ended.told
    assert "Traceback" not in ended.told


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (tmp_path / "zoo.cfg").write_text(HERE)
        ended = start_and_end("zoo.cfg", "--port", str(port), cwd=tmp_path)
    expected = f"port {port} on 127.0.0.1 (EADDRINUSE: Address already in use); another program listens there: stop it"
    assert (ended.code, expected in ended.told) == (1, True), ended.told


def test_a_second_server_on_the_same_data(tmp_path: Path) -> None:
    with serving(*SHORT_FORM, cwd=tmp_path):
        ended = start_and_end(*SHORT_FORM, cwd=tmp_path)
    expected = f"{tmp_path / 'data/version-2'} is in use by another server; stop that one, or use another folder"
    assert (ended.code, expected in ended.told) == (3, True), ended.told


def test_a_data_directory_that_must_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "zoo.cfg").write_text(HERE + "datadir.autocreate=false\n")
    ended = start_and_end("zoo.cfg", cwd=tmp_path)
    expected = (
        "data/version-2 does not exist, and datadir.autocreate=false forbids to make it; make it for the server's"
    )
    assert (ended.code, expected in ended.told) == (3, True), ended.told


def test_a_file_in_the_place_of_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    ended = start_and_end(*SHORT_FORM, cwd=tmp_path)
    assert (ended.code, "a file is where a folder should be" in ended.told) == (3, True), ended.told


def test_a_file_in_the_place_of_the_folder_of_the_version(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/version-2").write_text("")
    ended = start_and_end(*SHORT_FORM, cwd=tmp_path)
    assert (ended.code, "move a file of that name away" in ended.told) == (3, True), ended.told


def test_a_folder_in_the_place_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "data/version-2/log.5").mkdir(parents=True)
    ended = start_and_end(*SHORT_FORM, cwd=tmp_path)
    expected = f"reading {tmp_path / 'data/version-2/log.5'} failed (EISDIR: Is a directory); a folder is where a file"
    assert (ended.code, expected in ended.told) == (3, True), ended.told


def without_override() -> list[str]:
    """The command by which a program obeys permissions even as the superuser."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("the superuser may read and write everything, and there is no setpriv (util-linux) to give that up")
    given_up = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={given_up}", f"--inh-caps={given_up}"]


def test_what_this_user_may_not_read_or_write(tmp_path: Path) -> None:
    through = without_override()
    (tmp_path / "zoo.cfg").write_text(HERE)
    (tmp_path / "zoo.cfg").chmod(0)
    ended = start_and_end("zoo.cfg", cwd=tmp_path, through=through)
    assert (ended.code, "zoo.cfg cannot be read: Permission denied (check" in ended.told) == (2, True), ended.told
    (tmp_path / "data/version-2").mkdir(parents=True)
    (tmp_path / "data/version-2").chmod(0o500)
    ended = start_and_end(*SHORT_FORM, cwd=tmp_path, through=through)
    expected = "is no folder that can be written to; give the server's user"
    assert (ended.code, expected in ended.told) == (3, True), ended.told


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `data`, of a server that wrote five znodes."""
    folder = tmp_path_factory.mktemp("used")
    with serving(*SHORT_FORM, "-D", "zookeeper.preAllocSize=0", cwd=folder) as server:
        server.write(5)
        assert server.stop().code == 0
    return folder


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        (LOG, flip, "version-2/log.1 is damaged at offset"),
        (SNAPSHOT, cut, "version-2 is whole (snapshot.0: it ends before"),
        (SNAPSHOT, Path.unlink, "version-2 no snapshot that they build on; bring the snapshots back"),
    ],
)
def test_damaged_data(tmp_path: Path, used: Path, name: str, damage: Callable[[Path], None], told: str) -> None:
    shutil.copytree(used / "data", tmp_path / "data")
    damage(tmp_path / "data/version-2" / name)
    ended = start_and_end(*SHORT_FORM, cwd=tmp_path)
    assert (ended.code, told in ended.told) == (3, True), ended.told
    assert "bring the snapshots back" in ended.told or "restore the file from a backup" in ended.told


def test_a_log_that_a_crash_cut_short_is_told_and_taken(tmp_path: Path, used: Path) -> None:
    shutil.copytree(used / "data", tmp_path / "data")
    log = tmp_path / "data/version-2" / LOG
    os.truncate(log, log.stat().st_size - 30)
    with serving(*SHORT_FORM, cwd=tmp_path) as server:
        ended = server.stop()
    assert (ended.code, f"{log} ends with a torn write" in ended.told) == (0, True), ended.told


def test_a_log_that_cannot_be_written_ends_the_server(tmp_path: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    with serving(*SHORT_FORM, cwd=tmp_path, prepare=small_files_only) as server:
        with pytest.raises((AssertionError, ConnectionError)):
            server.write(1)
        ended = server.end()
    log = tmp_path / "data/version-2/log.1"
    expected = f"CRITICAL zkeeper.server: the server stops: writing {log} failed (EFBIG: File too large); the limit"
    assert (ended.code, expected in ended.told, ended.told.count("EFBIG")) == (1, True, 1), ended.told


def test_data_of_an_ensemble_are_served_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "data/version-2").mkdir(parents=True)
    (tmp_path / "data/version-2/currentEpoch").write_text("3\n")
    with serving(*SHORT_FORM, cwd=tmp_path) as server:
        ended = server.stop()
    assert (ended.code, "do not bring the data back among them" in ended.told) == (0, True), ended.told


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 address")
@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_an_address_of_ipv6(tmp_path: Path, address: str) -> None:
    (tmp_path / "zoo.cfg").write_text(HERE.replace("127.0.0.1", address))
    with serving("zoo.cfg", cwd=tmp_path) as server:
        server.write(1)
        assert server.address[0] == "::1"
        assert server.stop().code == 0
