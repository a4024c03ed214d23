"""The options of commands that create znodes."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from zkeeper.cli.transfer.target import Existing

_Function = TypeVar("_Function", bound=Callable[..., Any])


def target_options(function: _Function) -> _Function:
    for option in (
        click.option(
            "--no-acls", is_flag=True, help="Give everybody all permissions, instead of the ACLs that come along."
        ),
        click.option("--overwrite", "existing", flag_value="overwrite", help="Set data and ACL of znodes that exist."),
        click.option("--skip-existing", "existing", flag_value="skip", help="Leave znodes that exist as they are."),
    ):
        function = option(function)
    return function


def existing_of(text: str | None) -> Existing:
    return Existing(text or "fail")
