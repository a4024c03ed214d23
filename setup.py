"""Builds the wheel: compiles the pure core with mypyc where there is a C compiler, else installs it uncompiled.

`ZKEEPER_COMPILE=0` leaves the compiler out on purpose, `ZKEEPER_COMPILE=1` makes its absence an error.
"""

import os
import pathlib
import sys
import sysconfig
import tempfile

from setuptools import Extension, setup
from setuptools._distutils.ccompiler import new_compiler
from setuptools._distutils.errors import CompileError, DistutilsError
from setuptools._distutils.sysconfig import customize_compiler

CORE = ["wire", "database", "pipeline"]


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


def core_modules() -> list[str]:
    root = pathlib.Path("src/zkeeper")
    return [str(path) for part in CORE for path in sorted((root / part).glob("*.py")) if path.name != "__init__.py"]


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

    return mypycify(["--strict", *core_modules()], opt_level="3", debug_level="0", group_name="zkeeper")


setup(ext_modules=extensions())
