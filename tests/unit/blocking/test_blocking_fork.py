"""What a fork leaves of a client. Each in a process of its own; the server is in this one."""

from collections.abc import Callable

from zkeeper.testing import Server

Program = Callable[..., str]

CHILD = """
address = sys.argv[1]
def in_child(work):
    sys.stdout.flush()
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        assert status == 0, status
        return
    signal.alarm(20)
    try:
        work()
    except BaseException:
        os._exit(1)
    sys.exit(0)  # With all that the interpreter does at its end.

def refused(call):
    try:
        call()
    except ForkedError:
        return True
"""


def test_the_child_is_told_and_the_parent_goes_on(server: Server, program: Program) -> None:
    told = program(
        CHILD
        + """
with zkeeper.Client(address) as zk:
    zk.create("/mine", ephemeral=True)
    watch, states, session_id = zk.watch("/mine"), zk.states(), zk.session_id
    watch.start()
    states.next()
    zk.on_state(print)

    def work():
        calls = [
            lambda: zk.get("/"), lambda: zk.create("/b"), lambda: zk.ensure_path("/b/c"), zk.start, watch.next,
            zk.transaction().create("/c").commit, states.next, lambda: zk.wait_for(SessionState.LOST),
            lambda: zk.update_hosts(address), lambda: zk.watch("/"), lambda: zk.get("/", timeout_s=1),
        ]
        assert all(map(refused, calls))
        assert zk.state is SessionState.CLOSED
        watch.stop()
        zk.stop()
        assert refused(lambda: zk.get("/"))
        with zkeeper.Client(address) as own:
            assert own.get("/mine").stat.ephemeral_owner == session_id
            own.set("/mine", b"from the child")

    in_child(work)
    assert (zk.get("/mine").data, zk.session_id) == (b"from the child", session_id)
    print(watch.next().type.name)
    in_child(lambda: None)
    zk.set("/mine", b"")
    print(watch.next().type.name)
""",
        server.address,
    )
    assert told.split()[:2] == ["DATA_CHANGED"] * 2


def test_a_client_that_was_not_started_starts_in_the_child(server: Server, program: Program) -> None:
    program(
        CHILD
        + """
with zkeeper.Client(address) as running:
    zk = zkeeper.Client(address)

    def work():
        with zk:
            assert zk.children("/") == ["zookeeper"]

    in_child(work)
    with zk:
        assert zk.children("/") == ["zookeeper"]
""",
        server.address,
    )


def test_a_fork_in_a_callback(server: Server, program: Program) -> None:
    told = program(
        CHILD
        + """
with zkeeper.Client(address) as zk:
    done = threading.Event()

    def fork(event):
        process = os.fork()
        if process == 0:
            signal.alarm(20)
            if not refused(lambda: zk.get("/")):
                os._exit(1)
        else:
            print(os.waitpid(process, 0)[1], zk.exists("/a").version)
            done.set()

    zk.exists("/a", watch=fork)
    zk.create("/a")
    assert done.wait(20)
""",
        server.address,
    )
    assert told.split() == ["0", "0"], "the child ends with the callback"


def test_a_fork_in_a_signal_handler_while_a_call_waits(server: Server, program: Program) -> None:
    """The call goes on in the parent and fails in the child."""
    told = program(
        CHILD
        + """
with zkeeper.Client(address) as zk, zk.watch("/a") as watch:
    noticed = []

    def fork(number, frame):
        if noticed:
            return
        noticed.append(number)
        process = os.fork()
        if process == 0:
            signal.alarm(20)
        else:
            assert os.waitpid(process, 0)[1] == 0
            zk.create("/a")

    signal.signal(signal.SIGUSR1, fork)
    helper = threading.Thread(target=signal_main_thread, args=(signal.SIGUSR1, zk, lambda: noticed))
    helper.start()
    try:
        print(watch.next().type.name)
    except ForkedError:
        sys.exit(0)
    helper.join()
""",
        server.address,
    )
    assert told.split() == ["CREATED"]


def test_forks_at_any_moment(server: Server, program: Program) -> None:
    """While other threads start and stop clients, and call them."""
    program(
        CHILD
        + """
is_over = []

def play():
    while not is_over:
        with zkeeper.Client(address) as zk:
            for _ in range(20):
                zk.exists("/a")

def work():
    with zkeeper.Client(address) as zk:
        assert zk.children("/") == ["zookeeper"]

threads = [threading.Thread(target=play) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(15):
    in_child(work)
is_over.append(True)
for thread in threads:
    thread.join()
""",
        server.address,
    )
