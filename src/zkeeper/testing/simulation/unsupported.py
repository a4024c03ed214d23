"""What an event loop has and the simulation does not: calling it says so."""

import asyncio
from typing import Any


def _unsupported(name: str) -> Any:
    def refuse(self: object, *arguments: object, **options: object) -> None:
        raise NotImplementedError(f"the simulated event loop has no {name}")

    return refuse


class LimitedLoop(asyncio.AbstractEventLoop):
    """The part of an event loop that would reach out of the simulation."""

    add_reader = _unsupported("add_reader")
    remove_reader = _unsupported("remove_reader")
    add_writer = _unsupported("add_writer")
    remove_writer = _unsupported("remove_writer")
    add_signal_handler = _unsupported("add_signal_handler")
    remove_signal_handler = _unsupported("remove_signal_handler")
    connect_accepted_socket = _unsupported("connect_accepted_socket")
    connect_read_pipe = _unsupported("connect_read_pipe")
    connect_write_pipe = _unsupported("connect_write_pipe")
    create_datagram_endpoint = _unsupported("create_datagram_endpoint")
    create_unix_connection = _unsupported("create_unix_connection")
    create_unix_server = _unsupported("create_unix_server")
    sendfile = _unsupported("sendfile")
    sock_accept = _unsupported("sock_accept")
    sock_connect = _unsupported("sock_connect")
    sock_recv = _unsupported("sock_recv")
    sock_recv_into = _unsupported("sock_recv_into")
    sock_recvfrom = _unsupported("sock_recvfrom")
    sock_recvfrom_into = _unsupported("sock_recvfrom_into")
    sock_sendall = _unsupported("sock_sendall")
    sock_sendfile = _unsupported("sock_sendfile")
    sock_sendto = _unsupported("sock_sendto")
    start_tls = _unsupported("start_tls")
    subprocess_exec = _unsupported("subprocess_exec")
    subprocess_shell = _unsupported("subprocess_shell")
    set_task_factory = _unsupported("set_task_factory")
    set_default_executor = _unsupported("set_default_executor")
    getnameinfo = _unsupported("getnameinfo")

    def get_task_factory(self) -> None:
        return None
