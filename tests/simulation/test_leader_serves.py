"""An ensemble with leaderServes=no: the leader orders writes, and its clients are the other members' (quorum, 17.3)."""

import zkeeper

from .member_world import MemberWorld, client_of

EVERYONE = "m1:2181,m2:2181,m3:2181"


async def open_clients(count: int) -> list[zkeeper.AsyncClient]:
    clients = [client_of(EVERYONE, number=number) for number in range(count)]
    for client in clients:
        await client.start()
    return clients


async def write(client: zkeeper.AsyncClient, name: str) -> None:
    await client.create(f"/{name}", ephemeral=True)


def hosts(clients: list[zkeeper.AsyncClient]) -> set[str]:
    return {client.server[0] for client in clients if client.server is not None}


def test_clients_are_served_by_all_but_the_leader_whoever_leads() -> None:
    with MemberWorld(3, more="leaderServes=no\n") as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        assert world.leader == 3
        clients = world.sim.run(open_clients(12), world.client())
        assert hosts(clients) == {"m1", "m2"}
        sessions = [client.session_id for client in clients]
        world.kill(3)
        world.sim.run_until(lambda: not any(server.service.serves() for server in world.servers.values()))
        world.await_serving(1, 2)
        world.start(3)
        world.await_serving(3)
        assert world.leader == 2
        for number, client in enumerate(clients):
            world.sim.run(write(client, f"after-{number}"), world.client())
        assert hosts(clients) <= {"m1", "m3"}
        assert [client.session_id for client in clients] == sessions


def test_words_are_answered_by_the_leader_all_the_same() -> None:
    with MemberWorld(3, more="leaderServes=no\n") as world:
        world.start(*world.sids)
        world.await_serving(*world.sids)
        assert world.metrics(3)["server_state"] == "leader"
        assert world.ask(3, "ruok") == "imok"
