"""Imports point down, and only the doors touch the world.

The tables below are the rules of ARCHITECTURE.md; a module that needs an exception is named here with its reason. The
source is read, not run, so imports inside functions and under `TYPE_CHECKING` count like all others.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import zkeeper

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = "zkeeper"

BELOW_SERVER = frozenset({"pipeline", "quorum", "storage", "database", "wire", "errors"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "": frozenset({"blocking", "client", "values", "errors"}),
    "arguments": frozenset({"errors"}),
    "errors": frozenset(),
    "values": frozenset(),
    "wire": frozenset({"values", "errors"}),
    "client": frozenset({"arguments", "wire", "values", "errors"}),
    "blocking": frozenset({"arguments", "recipes", "client", "wire", "values", "errors"}),
    "recipes": frozenset({"arguments", "errors"}),
    "database": frozenset({"wire", "errors"}),
    "pipeline": frozenset({"database", "wire", "errors"}),
    "quorum": frozenset({"database", "wire", "errors"}),
    "storage": frozenset({"database", "wire", "errors"}),
    "server": BELOW_SERVER,
    "cli": BELOW_SERVER | {"server", "client", "values"},
    "testing": BELOW_SERVER | {"server", "arguments"},
    "__main__": frozenset({"cli"}),
}
"""What each part may import beside itself and `zkeeper`, the front door, which is `""` here."""

PURE = ("wire", "database", "pipeline", "quorum", "values", "errors")
PURE_IMPORTS = frozenset(
    {
        "base64",
        "codecs",
        "collections",
        "copyreg",
        "enum",
        "functools",
        "hashlib",
        "librt",
        "mypy_extensions",
        "re",
        "typing",
        "zlib",
        PACKAGE,
    }
)
"""All that the core needs: no asyncio, no logging, nothing that does input or output."""

WORLD = frozenset(
    {
        *("_thread", "concurrent", "multiprocessing", "queue", "subprocess", "threading"),
        *("http", "select", "selectors", "socket", "socketserver", "ssl", "urllib"),
        *("fcntl", "fileinput", "glob", "io", "mmap", "pathlib", "shutil", "tempfile"),
        *("ctypes", "getpass", "pty", "resource", "secrets", "signal", "time", "uuid"),
    }
)
"""Modules that reach the operating system, another thread, a real clock or unseeded chance."""

PATH_ARITHMETIC = frozenset({"abspath", "basename", "dirname", "isabs", "join", "normpath", "split", "splitext"})
"""Functions of `os.path` that look at no file. (`abspath` asks for the working directory, at start.)"""

OTHER_NAMES = {
    "os": frozenset({"path", "strerror"}),
    "os.path": PATH_ARITHMETIC,
    "random": frozenset({"Random"}),
}
"""What may be used of modules that are half harmless: `random.Random` is handed in, its module's functions are not."""

CLOCK_AND_THREAD_CALLS = frozenset({"now", "utcnow", "today", "run_in_executor", "to_thread"})

DOORS: dict[str, tuple[frozenset[str], str]] = {
    "zkeeper.storage.real_disk": (
        frozenset({"fcntl", "os", "os.path"}),
        "the disk of the operating system and locks on its folders",
    ),
    "zkeeper.storage.real_file": (frozenset({"os"}), "the files of the real disk"),
    "zkeeper.storage.lane": (frozenset({"queue", "threading"}), "the threads that the lanes of the real disk are"),
    "zkeeper.storage.direct_writes": (
        frozenset({"ctypes", "fcntl", "mmap", "os"}),
        "writes of the real disk that pass by its cache, from memory at a known address",
    ),
    "zkeeper.storage.ring": (frozenset({"ctypes", "mmap", "os"}), "io_uring, for the real disk"),
    "zkeeper.server.words.process": (
        frozenset({"getpass", "os", "os.path", "resource"}),
        "what the words tell of the process; a server is handed it as `ProcessFacts`",
    ),
    "zkeeper.cli.serve": (
        frozenset({"open", "os", "resource", "signal", "time"}),
        "the command that builds the production world: clocks, signals, descriptors, environment, the configuration's "
        "file",
    ),
    "zkeeper.cli.client_configuration": (
        frozenset({"open"}),
        "the properties file that a user names",
    ),
    "zkeeper.cli.ensemble.command": (
        frozenset({"shutil", "signal", "tempfile"}),
        "a temporary folder for an ensemble that nobody wants to keep, and Ctrl-C",
    ),
    "zkeeper.cli.ensemble.looking": (
        frozenset({"open"}),
        "the epoch files of the members that this tool runs",
    ),
    "zkeeper.cli.ensemble.members": (
        frozenset({"open", "os.path"}),
        "processes of members, and the files with what they print",
    ),
    "zkeeper.cli.ensemble.ports": (
        frozenset({"socket"}),
        "whether the ports of members are free, before any is started",
    ),
    "zkeeper.cli.ensemble.terminal": (
        frozenset({"os"}),
        "whether the terminal has ended, and the descriptors that lead to it",
    ),
    "zkeeper.cli.tls": (
        frozenset({"ssl"}),
        "the TLS that a user asks for, made of the files that they name",
    ),
    "zkeeper.cli.status.asking": (
        frozenset({"ssl"}),
        "the type of that TLS, on its way to the loop",
    ),
    "zkeeper.cli.status.command": (
        frozenset({"ssl"}),
        "the same",
    ),
    "zkeeper.cli.connecting": (
        frozenset({"ssl"}),
        "the type of that TLS, on its way to the client",
    ),
    "zkeeper.cli.descriptors": (
        frozenset({"open", "os"}),
        "standard streams that the program was started without",
    ),
    "zkeeper.cli.running": (
        frozenset({"io", "os"}),
        "standard output that nobody reads any more goes nowhere, and one of another encoding gets escapes",
    ),
    "zkeeper.cli.shell.session": (
        frozenset({"open"}),
        "`reconfig -file` reads a file that a user names; the shell is handed the function",
    ),
    "zkeeper.cli.shell.terminal": (
        frozenset({"os", "os.path", "signal"}),
        "a person's history file in their home, and Ctrl-C",
    ),
    "zkeeper.cli.streams": (
        frozenset({"io", "os"}),
        "whether standard input is a pipe, which the loop reads, or a file, which it cannot; output as UTF-8",
    ),
    "zkeeper.cli.transfer.export_command": (
        frozenset({"open", "os"}),
        "writes the file that a user names, under another name until it is whole",
    ),
    "zkeeper.cli.transfer.import_command": (
        frozenset({"open"}),
        "reads the file that a user names",
    ),
    "zkeeper.server.client_connection": (
        frozenset({"socket"}),
        "two constants, to ask for keep-alive on a connection of the loop's",
    ),
    "zkeeper.server.port_failure": (
        frozenset({"socket"}),
        "the error of a name that does not resolve, to tell it from others",
    ),
    "zkeeper.client.client": (
        frozenset({"ssl"}),
        "the type of the context that a user hands in; nothing is called",
    ),
    "zkeeper.client.connection": (
        frozenset({"ssl"}),
        "the same",
    ),
    "zkeeper.client.forks": (
        frozenset({"os"}),
        "a session has to know of a fork, for its connection belongs to the parent",
    ),
    "zkeeper.client.read_write_search": (
        frozenset({"ssl"}),
        "the same",
    ),
    "zkeeper.client.options": (
        frozenset({"ssl"}),
        "the same",
    ),
    "zkeeper.blocking.calls": (
        frozenset({"threading"}),
        "the lock on which a thread waits for its call",
    ),
    "zkeeper.blocking.client": (
        frozenset({"ssl"}),
        "the type of the context that a user hands in; nothing is called",
    ),
    "zkeeper.blocking.dispatcher": (
        frozenset({"os", "queue", "threading"}),
        "callbacks run in a thread of their own, so that they may call the client; one of them may fork",
    ),
    "zkeeper.blocking.loop_thread": (
        frozenset({"os", "threading"}),
        "the thread of the loop, for threads that have none; and it has to know of a fork",
    ),
    "zkeeper.blocking.loops": (
        frozenset({"socket", "threading"}),
        "names are resolved where nobody waits for the thread; a name server may take its time",
    ),
    "zkeeper.blocking.process": (
        frozenset({"os", "threading"}),
        "there is one such thread in a process; what a fork leaves of it is forgotten",
    ),
    "zkeeper.blocking.protected": (
        frozenset({"time"}),
        "a thread pauses before it sends a request again",
    ),
    "zkeeper.blocking.recipes.holder": (
        frozenset({"threading"}),
        "locks are held by threads, each of which has to be told from all others",
    ),
    "zkeeper.blocking.retry": (
        frozenset({"time"}),
        "a thread pauses between two attempts",
    ),
    "zkeeper.testing.loop_thread": (
        frozenset({"concurrent", "threading"}),
        "a test server runs beside the test, on a thread of its own",
    ),
    "zkeeper.testing.place": (
        frozenset({"os", "shutil", "socket", "tempfile", "time"}),
        "a test server's free port, temporary folder and clock, and which process it belongs to",
    ),
    "zkeeper.testing.simulation.network": (
        frozenset({"socket"}),
        "constants and the error of a name that does not resolve, as asyncio's users know them",
    ),
    "zkeeper.testing.simulation.server": (
        frozenset({"socket"}),
        "constants that a simulated listening socket shows",
    ),
}
"""The modules that may touch the world: what of it, and why."""


class Import(NamedTuple):
    module: str
    names: tuple[str, ...]
    line: int


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.AST, importer: str, is_package: bool = False) -> Iterator[Import]:
    """Every import, with relative ones made absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, (), node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(_absolute(node, importer, is_package), names, node.lineno)


def _absolute(node: ast.ImportFrom, importer: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = importer.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


def part_of(module: str) -> str:
    """The part of zkeeper that a module belongs to; empty for the front door."""
    return module.split(".")[1] if "." in module else ""


def imported_parts(one: Import) -> set[str]:
    """`from zkeeper import database` names its parts behind the `import`."""
    if one.module == PACKAGE:
        return {name for name in one.names if name in MAY_IMPORT}
    return {part_of(one.module)} if one.module.startswith(PACKAGE + ".") else set()


def pointing_up(tree: ast.AST, importer: str, is_package: bool = False) -> list[str]:
    part = part_of(importer)
    allowed = MAY_IMPORT.get(part, frozenset()) | {part}
    return [
        f"{importer} line {one.line}: {part or PACKAGE} may not import {upper}"
        for one in imports_of(tree, importer, is_package)
        for upper in sorted(imported_parts(one) - allowed)
    ]


def impure_imports(tree: ast.AST, importer: str) -> list[str]:
    return [
        f"{importer} line {one.line}: the core may not import {one.module}"
        for one in imports_of(tree, importer)
        if one.module.split(".")[0] not in PURE_IMPORTS
    ]


def touches(tree: ast.AST, importer: str) -> Iterator[tuple[str, str]]:
    """What of the world a module touches, each with its place."""
    for one in imports_of(tree, importer):
        top = one.module.split(".")[0]
        place = f"{importer} line {one.line}: {one.module} {' '.join(one.names)}".rstrip()
        if top in WORLD:
            yield top, place
        if one.module in OTHER_NAMES and set(one.names) - OTHER_NAMES[one.module]:
            yield one.module, place
    modules = {one.module for one in imports_of(tree, importer)} | {"os.path"}
    for node in _walk(tree, frozenset(modules & set(OTHER_NAMES))):
        yield from ((what, f"{importer} line {node.line}: {ast.unparse(node.node)}") for what in _touched_by(node))


class Place(NamedTuple):
    """An expression, with those modules of `OTHER_NAMES` that their names mean there."""

    node: ast.expr
    line: int
    modules: frozenset[str]


def _walk(node: ast.AST, modules: frozenset[str]) -> Iterator[Place]:
    """A parameter called `random` hides the module of that name."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        given = node.args
        modules -= {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    if isinstance(node, ast.expr):
        yield Place(node, node.lineno, modules)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, modules)


def _touched_by(place: Place) -> Iterator[str]:
    node = place.node
    if isinstance(node, ast.Attribute):
        owner = ast.unparse(node.value)
        if owner in place.modules and node.attr not in OTHER_NAMES[owner]:
            yield owner
    elif isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Name) and called.id in {"open", "input"}:
            yield called.id
        elif isinstance(called, ast.Attribute) and called.attr in CLOCK_AND_THREAD_CALLS:
            yield called.attr


def untold_touches(tree: ast.AST, importer: str) -> list[str]:
    allowed = DOORS[importer][0] if importer in DOORS else frozenset()
    return [place for what, place in touches(tree, importer) if what not in allowed]


PATHS = sorted((SOURCE / PACKAGE).rglob("*.py"))
TREES = {module_name(path): (ast.parse(path.read_text(), str(path)), path.name == "__init__.py") for path in PATHS}


def test_the_source_was_found() -> None:
    assert {"zkeeper", "zkeeper.wire.jute", "zkeeper.cli.serve", "zkeeper.testing.simulation.loop"} <= set(TREES)
    assert {part_of(name) for name in TREES} == set(MAY_IMPORT)


def test_imports_point_down() -> None:
    assert [wrong for name, (tree, is_package) in TREES.items() for wrong in pointing_up(tree, name, is_package)] == []


def private_names(tree: ast.AST, importer: str) -> list[str]:
    """Names of the front door that are not public. What is not imported from there `pointing_up` finds."""
    return [
        f"{importer} line {one.line}: {name} is not public"
        for one in imports_of(tree, importer)
        if one.module == PACKAGE
        for name in sorted(set(one.names) - set(zkeeper.__all__))
    ]


def test_recipes_use_what_any_program_may_use() -> None:
    recipes = {name: tree for name, (tree, _) in TREES.items() if part_of(name) == "recipes"}
    assert len(recipes) > 20
    assert [wrong for name, tree in recipes.items() for wrong in private_names(tree, name)] == []
    assert private_names(ast.parse("from zkeeper import Lock, Session"), "zkeeper.recipes.x") != []


def test_the_core_is_pure() -> None:
    core = {name: tree for name, (tree, _) in TREES.items() if part_of(name) in PURE}
    assert [wrong for name, tree in core.items() for wrong in impure_imports(tree, name)] == []


def test_only_doors_touch_the_world() -> None:
    assert [wrong for name, (tree, _) in TREES.items() for wrong in untold_touches(tree, name)] == []


def test_no_door_is_wider_than_it_has_to_be() -> None:
    for name, (allowed, _) in DOORS.items():
        assert {what for what, _ in touches(TREES[name][0], name)} == allowed, name


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("zkeeper.wire.jute", "from zkeeper.database import paths"),
        ("zkeeper.database.tree", "if TYPE_CHECKING:\n    from zkeeper.pipeline.service import Service"),
        ("zkeeper.pipeline.link", "import zkeeper.storage.disk"),
        ("zkeeper.storage.recovery", "def f():\n    from zkeeper.pipeline.link import ClientLink"),
        ("zkeeper.storage.recovery", "from ..server import settings"),
        ("zkeeper.server.standalone", "from zkeeper import testing"),
        ("zkeeper", "from zkeeper.server.standalone import StandaloneServer"),
        ("zkeeper.client.session", "from zkeeper.database import paths"),
    ],
)
def test_an_import_that_points_up_is_found(importer: str, source: str) -> None:
    assert len(pointing_up(ast.parse(source), importer)) == 1


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("zkeeper.storage.log_files", "from .disk import Disk"),
        ("zkeeper.server.words.facts", "from ...storage.disk import Disk"),
        ("zkeeper.server.words.version", "from zkeeper import __version__"),
        ("zkeeper.cli.serve", "from zkeeper.server.standalone import StandaloneServer"),
    ],
)
def test_an_import_that_points_down_is_not(importer: str, source: str) -> None:
    assert pointing_up(ast.parse(source), importer) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "def f():\n    import threading",
        "from socket import AF_INET",
        "import concurrent.futures",
        "from random import randrange",
        "import random\nrandom.random()",
        "import os\nos.remove('x')",
        "import os\nos.path.exists('x')",
        "from os.path import exists",
        "open('x')",
        "from datetime import datetime\ndatetime.now()",
        "loop.run_in_executor(None, f)",
    ],
)
def test_a_touch_of_the_world_is_found(source: str) -> None:
    assert len(untold_touches(ast.parse(source), "zkeeper.server.reaper")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from random import Random",
        "import random\nrandom.Random(1).random()",
        "import random\ndef f(random: random.Random) -> float:\n    return random.random()",
        "import os\nos.path.join('a', 'b')",
        "disk.open_reader('x').read(1)",
        "datetime.fromtimestamp(0, UTC)",
        "loop.time()",
    ],
)
def test_what_is_handed_in_is_no_touch(source: str) -> None:
    assert untold_touches(ast.parse(source), "zkeeper.server.reaper") == []
