"""Ctrl-C, signal handlers that call the client, and the end of a process. Each in a process of its own."""

from collections.abc import Callable

from zkeeper.testing import Server

Program = Callable[..., str]


def test_an_interrupt_leaves_the_client_usable(program: Program) -> None:
    told = program("""
with Server(in_memory=True) as server, zkeeper.Client(server.address) as zk:
    def handle(number, frame):
        if not noticed:
            noticed.append(number)
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    for call in (lambda: zk.get("/"), lambda: zk.ensure_path("/x/y"), lambda: zk.watch("/").next()):
        noticed = []
        server.pause()
        helper = threading.Thread(target=signal_main_thread, args=(signal.SIGINT, zk, lambda: noticed))
        helper.start()
        try:
            call()
        except KeyboardInterrupt:
            print("interrupted")
        helper.join()
        server.resume()
    assert zk.get("/").data == b"" and waiting(zk) == 0
    print(zk.state.name)
""")
    assert told.split() == ["interrupted"] * 3 + ["CONNECTED"]


def test_interrupts_at_any_moment_hold_up_nobody(program: Program) -> None:
    """Other threads go on, and so does the one that is interrupted, each time with its own answers."""
    told = program("""
with Server(in_memory=True) as server, zkeeper.Client(server.address) as zk:
    for name in "abc":
        zk.create(f"/{name}", name.encode())
    is_over, counts = [], [0, 0, 0]

    def read(number, name):
        while not is_over:
            assert zk.get(f"/{name}").data == name.encode()
            counts[number] += 1

    def disturb():
        for round in range(200):
            seen = counts[0]
            wait_until(lambda: counts[0] > seen + round % 5)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    others = [threading.Thread(target=read, args=each) for each in ((1, "b"), (2, "c"))]
    disturber = threading.Thread(target=disturb)
    for thread in (*others, disturber):
        thread.start()
    interrupts = 0
    while disturber.is_alive():
        try:
            data = zk.get("/a").data
            counts[0] += 1
            assert data == b"a"
        except KeyboardInterrupt:
            interrupts += 1
    is_over.append(True)
    for thread in others:
        thread.join()
    assert zk.get("/a").data == b"a"
    print(interrupts > 50, counts[1] > 0, counts[2] > 0)
""")
    assert told.split() == ["True"] * 3


def test_a_signal_handler_may_call_the_client_while_a_call_waits(program: Program) -> None:
    told = program("""
with Server(in_memory=True) as server, zkeeper.Client(server.address) as zk:
    zk.create("/a", b"outer")
    zk.create("/b", b"inner")

    noticed = []

    def handle(number, frame):
        if not noticed:
            noticed.append(number)
            server.resume()
            print(zk.get("/b").data.decode())

    signal.signal(signal.SIGUSR1, handle)
    helper = threading.Thread(target=signal_main_thread, args=(signal.SIGUSR1, zk, lambda: noticed))
    server.pause()
    helper.start()
    print(zk.get("/a").data.decode())
    helper.join()
""")
    assert told.split() == ["inner", "outer"]


def test_sessions_are_closed_at_the_end_of_the_process(server: Server, program: Program) -> None:
    """Also those of clients that nobody stopped; in spite of threads that wait for them."""
    told = program(
        """
zk = zkeeper.Client(sys.argv[1], session_timeout_ms=60_000)
other = zkeeper.Client(sys.argv[1], session_timeout_ms=60_000)
zk.start()
other.start()
zk.on_state(lambda state: None)
threading.Thread(target=lambda: next(zk.watch("/"), None), daemon=True).start()
wait_until(lambda: waiting(zk) == 1)
print(zk.create("/mine", ephemeral=True))
""",
        server.address,
    )
    assert told.split() == ["/mine"]
    assert server.session_ids == []


def test_a_process_ends_while_its_server_is_silent(program: Program) -> None:
    program("""
zkeeper.blocking.process.EXIT_PATIENCE_S = 0.1
server = Server(in_memory=True).start()
zk = zkeeper.Client(server.address)
zk.start()
server.pause()
""")
