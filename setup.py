"""Builds the wheel: compiles the pure core, and what is hot beside it, with mypyc where there is a C compiler.

Where there is none it installs them uncompiled. `ZKEEPER_COMPILE=0` leaves the compiler out on purpose,
`ZKEEPER_COMPILE=1` makes its absence an error.
"""

import os
import pathlib
import re
import sys
import sysconfig
import tempfile

from setuptools import Extension, setup
from setuptools._distutils.ccompiler import new_compiler
from setuptools._distutils.errors import CompileError, DistutilsError
from setuptools._distutils.sysconfig import customize_compiler

CORE = ["wire", "database", "pipeline", "quorum"]
HOT = ["server/group_commit", "storage/log_files", "storage/log_writer", "storage/triggers"]
"""Compiled beside the core: what runs once for each sync. Such a module touches the world only through the loop and the
`Disk`, and holds no coroutine, no generator and no closure, since mypyc is young there (and `without_trashcan` refuses
what it makes of them), and no `raise ... from`, whose cause it drops: `tests/unit/test_compiled.py` looks."""

# A deallocator of mypyc's, of an acyclic class; those of other classes begin with PyObject_GC_UnTrack.
ACYCLIC_DEALLOC = re.compile(r"\{\s*CPy_TRASHCAN_BEGIN\(self, \w+\)\n(.*?)\s*CPy_TRASHCAN_END\(self\)\n", re.DOTALL)


def has_compiler() -> bool:
    """Whether a C file that includes Python.h compiles here."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "probe.c")
        source.write_text("#include <Python.h>\nint probe(void) { return PY_VERSION_HEX != 0; }\n")
        compiler = new_compiler()
        customize_compiler(compiler)
        compiler.add_include_dir(sysconfig.get_path("include"))
        try:
            compiler.compile([str(source)], output_dir=folder)
        except (CompileError, DistutilsError, OSError):
            return False
    return True


def compiled_modules() -> list[str]:
    root = pathlib.Path("src/zkeeper")
    core = [path for part in CORE for path in sorted((root / part).glob("*.py")) if path.name != "__init__.py"]
    return [str(path) for path in (*core, *(root / f"{name}.py" for name in HOT))]


def without_trashcan(source: pathlib.Path) -> None:
    """Has objects of acyclic classes freed at once, however deep they lie.

    Of what lies deeper than 50 objects Python makes a list, linked through the header of the garbage collector. These
    objects have none, so the link would overwrite what lies before them in memory. The depth is still bounded: the
    dictionaries and lists through which they hold each other have headers.
    """
    code = ACYCLIC_DEALLOC.sub(r"{\n\1\n", source.read_text())
    tracked = re.findall(r"PyObject_GC_UnTrack\(self\);\s*CPy_TRASHCAN_BEGIN", code)
    if len(tracked) != code.count("CPy_TRASHCAN_BEGIN"):
        sys.exit("zkeeper: this version of mypyc frees acyclic objects in a way that setup.py does not know")
    source.write_text(code)


def extensions() -> list[Extension]:
    wanted = os.environ.get("ZKEEPER_COMPILE", "auto")
    if "egg_info" in sys.argv or "editable_wheel" in sys.argv or "sdist" in sys.argv or wanted == "0":
        return []
    if not has_compiler():
        if wanted == "1":
            sys.exit("zkeeper: ZKEEPER_COMPILE=1, but no C compiler with Python's headers was found")
        print("zkeeper: no C compiler with Python's headers found; installing uncompiled (slower, same behaviour)")
        return []
    from mypyc.build import mypycify

    built = mypycify(["--strict", *compiled_modules()], opt_level="3", debug_level="0", group_name="zkeeper")
    without_trashcan(pathlib.Path("build/__native_zkeeper.c"))
    return built


setup(ext_modules=extensions())
