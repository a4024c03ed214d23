import asyncio
import json
from pathlib import Path

from cli_program import program
from cli_server import running_server

from zkeeper.cli.connecting import Connecting
from zkeeper.cli.tree.lines import guides, line_of, size_text
from zkeeper.cli.tree.nodes import Place, Rest


def test_sizes() -> None:
    assert [size_text(size) for size in (0, 1023, 1024, 1536, 1 << 20, 3 << 30, 5 << 40)] == [
        *("0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "3.0 GiB", "5120.0 GiB")
    ]


def test_guides_lead_from_every_parent_that_goes_on() -> None:
    assert guides(Place()) == ""
    assert guides(Place((False,))) == "├── "
    assert guides(Place((False, True, True))) == "│       └── "
    assert "".join(piece.text for piece in line_of(Rest(Place((True,)), 3))) == "└── … 3 more"


def test_trees(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_server(tmp_path) as server, Connecting().session(server) as zk:
            for path, data in (("/a", b""), ("/a/b", b"x" * 2048), ("/a/b/c", b"1"), ("/a/d", b"22")):
                await zk.create(path, data)
            await zk.create("/a/e", b"", ephemeral=True)
            done = await program("tree", "/a", "-s", server)
            assert done.out.splitlines() == [
                "/a",
                "├── b  2.0 KiB",
                "│   └── c  1 B",
                "├── d  2 B",
                f"└── e  ephemeral of {zk.session_id % (1 << 64):#x}",
                "",
                "5 znodes, 1 of them ephemeral, 2.0 KiB of data",
            ]
            done = await program("tree", "/a", "-s", server, "--depth", "1", "--max-children", "2")
            assert done.out.splitlines()[:4] == ["/a", "├── b  2.0 KiB  1 children", "├── d  2 B", "└── … 1 more"]
            done = await program("tree", "/a", "-s", server, "--json")
            paths = [json.loads(line)["path"] for line in done.out.splitlines()]
            assert paths == ["/a", "/a/b", "/a/b/c", "/a/d", "/a/e"]
            assert await program("tree", "/none", "-s", server) == (1, "", "Node does not exist: /none\n")

    asyncio.run(scenario())


def test_a_place_names_its_servers(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_server(tmp_path) as server, Connecting().session(server) as zk:
            await zk.create("/a", b"x")
            done = await program("tree", f"{server}/a")
            assert (done.exit_code, done.out.splitlines()[0]) == (0, "/a  1 B")
            done = await program("tree", "-s", server, "nope")
            assert (done.exit_code, done.out) == (2, "")
            assert "nope is neither /PATH nor HOST:PORT/PATH" in done.err

    asyncio.run(scenario())


def test_a_znode_that_may_not_be_read_is_shown_as_such(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_server(tmp_path) as server:
            assert (await program("shell", "-s", server, "create", "/p", "x", "ip:9.9.9.9:r")).exit_code == 0
            assert (await program("tree", "/", "-s", server, "-d", "1")).out.splitlines()[1] == "├── p  may not be read"

    asyncio.run(scenario())
