"""Who is compared: how each kind of server is started, and the facts a reader needs to judge the figures."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from figures import BenchError
from tools import shared_tool

JAVA_HEAP = "1g"
JAVA_TREE_HEAP = "4g"  # A million znodes under load need about 2 GB; less would measure the collector.
JAVA_MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


@dataclass(frozen=True)
class Contender:
    """A server under comparison. `command(large)` starts it when a configuration file is appended;
    `large` says that it will hold the large tree."""

    label: str
    command: Callable[[bool], list[str]]


def _java_class_path() -> str:
    zkjava = str(shared_tool("ZKJAVA", "zkjava"))
    done = subprocess.run([sys.executable, zkjava, "classpath"], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"zkjava gives no class path: {done.stderr.strip()}")
    return done.stdout.strip()


def _java(label: str) -> Contender:
    """The JVM is started directly, not through zkjava: the wrapper's own start must not count as Java's."""
    class_path = _java_class_path()
    logging = Path(class_path.split(os.pathsep)[-1]).parent.parent / "logback.xml"

    def command(large: bool) -> list[str]:
        heap = os.environ.get("ZKJAVA_HEAP") or (JAVA_TREE_HEAP if large else JAVA_HEAP)
        return ["java", f"-Xmx{heap}", f"-Dlogback.configurationFile={logging}", "-cp", class_path, JAVA_MAIN]

    return Contender(label, command)


def _zkeeper(label: str) -> Contender:
    return Contender(label, lambda large: [sys.executable, "-m", "zkeeper", "serve"])


_KINDS: dict[str, tuple[str, Callable[[str], Contender]]] = {"java": ("Java", _java), "zkeeper": ("zkeeper", _zkeeper)}


def contenders(kinds: list[str]) -> list[Contender]:
    """One contender for each kind named; the second of a kind is numbered. Raises BenchError for an unknown kind."""
    found: list[Contender] = []
    for index, kind in enumerate(kinds):
        if kind not in _KINDS:
            raise BenchError(f"unknown server {kind!r}; there are: {', '.join(_KINDS)}")
        label, make = _KINDS[kind]
        nth = kinds[: index + 1].count(kind)
        found.append(make(label if nth == 1 else f"{label} {nth}"))
    return found


def server_environment() -> dict[str, str]:
    """The environment for servers: byte code may be cached, as it is for an installed package."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _java_facts() -> str:
    told = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "([^"]+)"', told)
    release = re.search(r"zookeeper-(\d[\d.]*)\.jar", _java_class_path())
    return f"ZooKeeper {release[1] if release else '?'} on Java {version[1] if version else '?'}"


def _zkeeper_facts() -> str:
    spec = importlib.util.find_spec("zkeeper")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    compiled = any(any(folder.rglob("*.so")) for folder in folders)
    return f"zkeeper {'compiled' if compiled else 'not compiled'}"


def _file_system(folder: Path) -> str:
    told = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


def facts(kinds: list[str], data_folder: Path) -> list[str]:
    """What the figures depend on, without naming the machine."""
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    told = [f"{os.cpu_count()} cores", f"{memory_gb:.0f} GB memory", f"{platform.system()} {platform.machine()}"]
    told += [f"data on {_file_system(data_folder)} with fsync", f"Python {platform.python_version()}"]
    told += [_java_facts()] if "java" in kinds else []
    return told + ([_zkeeper_facts()] if "zkeeper" in kinds else [])
