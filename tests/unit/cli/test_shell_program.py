"""`zkeeper shell` as a process: its command line, one command, piped lines."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cli_program import program
from cli_server import running_server

CONNECTED = "\nWATCHER::\n\nWatchedEvent state:SyncConnected type:None path:null zxid: -1\n"


def with_server(folder: Path, scenario: Callable[[str], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running_server(folder) as server:
            await scenario(server)

    asyncio.run(run())


def test_one_command(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "-server", server, "create", "/a", "two words")
        assert done == (0, f"Connecting to {server}\n{CONNECTED}", "Created /a\n")
        done = await program("shell", "-s", server, "get", "/a")
        assert done == (0, f"Connecting to {server}\n{CONNECTED}two words\n", "")
        assert (await program("shell", "-s", server, "get", "/none")).exit_code == 1
        assert (await program("shell", "-s", server, "nonsense")).exit_code == 127

    with_server(tmp_path, scenario)


def test_one_command_for_a_program(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "--json", "--server", server, "ls", "-s", "/")
        assert (done.exit_code, done.err) == (0, "")
        values = json.loads(done.out)
        assert (values["names"], values["stat"]["num_children"]) == (["zookeeper"], 1)
        done = await program("shell", "--json", "--server", server, "get", "/none")
        assert (done.exit_code, json.loads(done.out)["error"]["name"]) == (1, "NoNode")

    with_server(tmp_path, scenario)


def test_a_program_is_told_that_nobody_answers() -> None:
    async def scenario() -> None:
        options = ("--server", "127.0.0.1:1", "--timeout", "300", "--json", "--wait-for-connection")
        done = await program("shell", *options, "ls", "/")
        told = json.loads(done.out)
        assert (done.exit_code, told["exit_code"], told["command"]) == (1, 1, ["ls", "/"])
        assert (told["error"]["name"], told["error"]["code"]) == ("ConnectionLoss", -4)
        assert "No server of 127.0.0.1:1 could be reached in time" in told["error"]["text"]

    asyncio.run(scenario())


def test_options_of_zkcli(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        options = ("-server", server, "-timeout", "5000", "-r", "-waitforconnection")
        done = await program("shell", *options, "-unknown", "set", "-b", "/zookeeper/quota", "")
        assert (done.exit_code, done.err) == (0, "")

    with_server(tmp_path, scenario)


def test_an_option_without_its_value_is_told_and_left_out(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "-server", server, "-timeout", stdin=b"version\n")
        assert (done.exit_code, done.err) == (0, "Error: no argument found for option -timeout\n")

    with_server(tmp_path, scenario)


def test_piped_lines_and_the_code_of_the_last(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "-server", server, stdin=b"create /a 1\nget /a\n\nls /none")
        assert done.exit_code == 1
        assert done.out == f"Connecting to {server}\nWelcome to ZooKeeper!\nJLine support is disabled\n{CONNECTED}1\n"
        assert done.err == "Created /a\nNode does not exist: /none\n"

    with_server(tmp_path, scenario)


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "-server", server, stdin=b"n\xffo\ncreate /a \xff\nget /a\n")
        assert (done.exit_code, done.out.splitlines()[-1]) == (0, "\N{REPLACEMENT CHARACTER}")

    with_server(tmp_path, scenario)


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        raw = os.fsdecode(b"\xff\xfe")
        assert (await program("shell", "-s", server, "create", "/bin", raw)).exit_code == 0
        done = await program(
            "shell", "-s", server, "--json", stdin=b"get /bin\nset /bin \xff\nget /bin\ncreate /\xff x\n"
        )
        first, second, third, fourth = map(json.loads, done.out.splitlines()[1:])
        assert (first["data"], first["encoding"]) == ("//4=", "base64")
        assert (second["command"], third["data"]) == (["set", "/bin", "\N{REPLACEMENT CHARACTER}"], "/w==")
        assert "invalid character" in fourth["error"]["text"]
        done = await program("shell", "-s", server, "--json", "create", "/a", "x", f"digest:{raw}:cdrwa")
        assert json.loads(done.out)["exit_code"] == 1

    with_server(tmp_path, scenario)


@pytest.mark.parametrize("words", [("setAcl", "/a", "world:anyone:xyz"), ("create", "/b", "d", "world:anyone:q")])
def test_an_acl_of_unknown_permissions_is_refused_but_where_zkcli_takes_it(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    async def scenario(server: str) -> None:
        assert (await program("shell", "-s", server, "create", "/a")).exit_code == 0
        done = await program("shell", "-s", server, "--json", *words)
        told = json.loads(done.out)
        assert (done.exit_code, told["exit_code"], told["error"]["name"]) == (1, 1, "CommandFailed")
        assert told["error"]["text"].startswith("Unknown perm type: ")
        assert "permissions are letters of cdrwa" in told["error"]["text"]
        left = json.loads((await program("shell", "-s", server, "--json", "getAcl", "/a")).out)
        assert left["acl"] == ["world:anyone:cdrwa"]
        assert (await program("shell", "-s", server, "--json", "stat", "/b")).exit_code == 1
        done = await program("shell", "-s", server, "--plain", *words)
        assert (done.exit_code, done.err.splitlines()[0]) == (0, f"Unknown perm type: {words[-1][13]}")
        refused = json.loads((await program("shell", "-s", server, "--json", "getAcl", words[1])).out)
        assert refused["error"]["name"] == "NoAuth"

    with_server(tmp_path, scenario)


def test_what_the_client_has_noticed_is_told(tmp_path: Path) -> None:
    """Where zkCli's words are not asked for: the servers, the reason, and that TLS was asked for."""

    async def scenario(server: str) -> None:
        options = ("--json", "-s", server, "--timeout", "500")
        told = json.loads((await program("shell", *options, "--tls", "ls", "/")).out)["error"]
        assert told["text"].startswith(f"ConnectionLoss: No server of {server} could be reached in time: ")
        assert f"{server} with TLS: " in told["text"]
        large = b"create /a " + b"x" * 1_100_000
        told = json.loads((await program("shell", *options, stdin=large)).out.splitlines()[-1])["error"]
        assert told["text"].startswith("FrameTooLong: /a: the request has 11000")
        done = await program("tree", "--tls", "-s", server, "--timeout", "500")
        assert f"{server} with TLS: " in done.err

    with_server(tmp_path, scenario)


def test_help_needs_no_server() -> None:
    done = asyncio.run(program("shell", "-server", "127.0.0.1:1", "help", "ls"))
    assert done == (0, "Connecting to 127.0.0.1:1\nls [-s] [-w] [-R] path\n", "")


def test_quit_tells_that_the_session_is_closed_and_keeps_the_code(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        done = await program("shell", "-server", server, stdin=b"ls /none\nquit\nls /\n")
        assert done.exit_code == 1
        assert done.out.endswith("state:Closed type:None path:null zxid: -1\n")

    with_server(tmp_path, scenario)


def test_lines_of_a_file(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        lines = tmp_path / "lines"
        lines.write_text("ls /\n")
        process = await asyncio.create_subprocess_shell(
            f"{_python()} -m zkeeper shell -server {server} < {lines}", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert (process.returncode, out.decode().splitlines()[-1]) == (0, "[zookeeper]")

    with_server(tmp_path / "data", scenario)


def _python() -> str:
    import sys

    return sys.executable


def test_no_server_in_time() -> None:
    async def scenario() -> None:
        done = await program("shell", "-server", "127.0.0.1:1", "-timeout", "200", "-waitforconnection", "ls", "/")
        assert (done.exit_code, done.out) == (1, "Connecting to 127.0.0.1:1\n")
        done = await program("shell", "-server", "127.0.0.1:1", "-timeout", "200", "ls", "/")
        assert (done.exit_code, done.err) == (1, "KeeperErrorCode = ConnectionLoss for /\n")

    asyncio.run(scenario())


def test_a_client_configuration_that_cannot_be_used_is_code_2(tmp_path: Path) -> None:
    store = tmp_path / "client.properties"
    store.write_text("zookeeper.client.secure=true\nzookeeper.ssl.trustStore.location=/etc/trust.jks\n")

    async def scenario() -> None:
        done = await program("shell", "-client-configuration", str(tmp_path / "none"), "ls", "/")
        assert done.exit_code == 2
        done = await program("shell", "-client-configuration", str(store), "ls", "/")
        assert done.exit_code == 2
        assert "is not PEM" in done.err

    asyncio.run(scenario())


def test_serving_loads_no_tool() -> None:
    loaded = "import sys, zkeeper.cli.main, zkeeper.cli.serve; print(*sys.modules)"

    async def modules() -> set[str]:
        process = await asyncio.create_subprocess_exec(_python(), "-c", loaded, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        return set(out.decode().split())

    found = asyncio.run(modules())
    assert "zkeeper.server.standalone" in found
    assert not found & {"click", "rich", "prompt_toolkit", "zkeeper.client", "zkeeper.cli.group"}


def test_json_tells_name_and_code_of_an_error(tmp_path: Path) -> None:
    async def scenario(server: str) -> None:
        lines = (
            b"create /a x\ncreate /a/b x\ndelete /a\nget /no\nset -v 7 /a y\nget\nget -q /a\nnope\nsetquota -N x /a\n"
        )
        done = await program("shell", "--json", "-s", server, stdin=lines)
        errors = [json.loads(line)["error"] for line in done.out.splitlines() if "error" in json.loads(line)]
        assert [(error["name"], error["code"], error["path"]) for error in errors[:3]] == [
            ("NotEmpty", -111, "/a"), ("NoNode", -101, "/no"), ("BadVersion", -103, "/a"),
        ]  # fmt: skip
        assert [error["name"] for error in errors[3:]] == ["Usage", "Usage", "CommandNotFound", "CommandFailed"]
        assert all(error["code"] is None and error["text"] for error in errors[3:])

    with_server(tmp_path, scenario)
