"""What is compiled beside the core holds nothing that mypyc is young at, and leaves the world to the doors.

Nor does it raise one error from another, for mypyc drops the cause. The source is read, not run, so this holds where it
runs uncompiled, too.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_imports import DOORS

ROOT = Path(__file__).parents[2]
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
YOUNG = ast.AsyncFunctionDef | ast.Await | ast.Yield | ast.YieldFrom | ast.GeneratorExp


def hot_modules() -> list[str]:
    """The list in setup.py."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HOT":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise AssertionError("setup.py has no list HOT")


def young_parts(node: ast.AST, is_inside: bool = False) -> Iterator[str]:
    """Coroutines, generators, functions inside functions, which may be closures, and causes of errors."""
    is_nested = isinstance(node, FUNCTIONS) and is_inside
    has_cause = isinstance(node, ast.Raise) and node.cause is not None
    if isinstance(node, YOUNG) or is_nested or has_cause:
        yield f"line {getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
    for child in ast.iter_child_nodes(node):
        yield from young_parts(child, is_inside or isinstance(node, FUNCTIONS))


@pytest.mark.parametrize("name", hot_modules())
def test_hot_modules_hold_nothing_that_is_young(name: str) -> None:
    assert list(young_parts(ast.parse((ROOT / "src/zkeeper" / f"{name}.py").read_text()))) == []


def test_no_hot_module_is_a_door() -> None:
    assert {f"zkeeper.{name.replace('/', '.')}" for name in hot_modules()} & set(DOORS) == set()


@pytest.mark.parametrize(
    "source",
    [
        "async def f(): pass",
        "def f():\n    yield 1",
        "def f():\n    yield from g",
        "class C:\n    def f(self): return any(one for one in self.all)",
        "def f(x):\n    def g(): return x",
        "class C:\n    def f(self, x): return lambda: x",
        "try:\n    f()\nexcept OSError as error:\n    raise StorageError from error",
        "def f():\n    class C:\n        def g(self): pass",
    ],
)
def test_what_is_young_is_found(source: str) -> None:
    assert len(list(young_parts(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source",
    ["class C:\n    def f(self): return [one for one in self.all]", "key = lambda one: one.zxid", "f = partial(g, 1)"],
)
def test_what_mypyc_does_well_is_not(source: str) -> None:
    assert list(young_parts(ast.parse(source))) == []
