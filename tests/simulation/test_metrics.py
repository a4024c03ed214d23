"""What mntr tells of a whole server's start and of its watches."""

import asyncio

from zkeeper.server.config.model import NetworkConfig

from .node import make_config
from .requests import Exists, GetData, SetData
from .scenario import Scenario

CONFIG = make_config(network=NetworkConfig(four_letter_words=("mntr",)))


async def ask(host: str, word: bytes) -> str:
    reader, writer = await asyncio.open_connection(host, 2181)
    writer.write(word)
    answer = await reader.read()
    writer.close()
    return answer.decode()


def metrics(world: Scenario) -> dict[str, str]:
    answer = world.sim.run(ask(world.node.name, b"mntr"), world.sim.machine("operator"))
    return dict(line.split("\t") for line in answer.splitlines())


def test_a_start_tells_what_it_replayed() -> None:
    with Scenario(CONFIG) as world:
        assert metrics(world)["zk_sum_startup_txns_loaded"] == "0"
        client = world.connect()
        for number in range(5):
            world.create(client, f"/{number}")
        world.restart()
        told = metrics(world)
        assert told["zk_sum_startup_txns_loaded"] == "6"  # The session, too.
        for name in ("dbinittime", "startup_snap_load_time", "startup_txns_load_time", "startup_txns_loaded"):
            assert told[f"zk_cnt_{name}"] == "1"


def test_an_event_counts_the_watchers_it_wakes() -> None:
    with Scenario(CONFIG) as world:
        writer, *readers = (world.connect() for _ in range(4))
        world.create(writer, "/watched")
        for reader in readers:
            world.call(reader, GetData("/watched", is_watching=True))
        world.call(writer, Exists("/new", is_watching=True))
        world.call(writer, SetData("/watched", b"x"))
        world.call(writer, SetData("/watched", b"y"))
        world.create(writer, "/new")
        told = metrics(world)
        assert (told["zk_cnt_node_changed_watch_count"], told["zk_sum_node_changed_watch_count"]) == ("1", "3")
        assert (told["zk_cnt_node_created_watch_count"], told["zk_sum_node_created_watch_count"]) == ("1", "1")
        assert told["zk_cnt_node_deleted_watch_count"] == told["zk_cnt_node_children_watch_count"] == "0"


def test_snapshots_and_batches_are_measured() -> None:
    with Scenario(CONFIG) as world:
        assert metrics(world)["zk_cnt_snapshottime"] == "1"  # That of the empty state.
        client = world.connect()
        sent = world.post(client, *[SetData("/", b"x")] * 20)
        world.wait_until(lambda: all(each.reply is not None for each in sent))
        told = metrics(world)
        assert told["zk_sum_sync_processor_batch_size"] == "21"  # The session, too.
        assert int(told["zk_max_sync_processor_batch_size"]) > 1
