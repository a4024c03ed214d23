"""Leaders of several languages on the same paths, each in a process of its own."""

import pytest

from .clients.harness import wait_for
from .stage import Scene


@pytest.mark.parametrize("cast", [("ours", "curator") * 2, ("curator", "ours") * 2])
def test_leader_latches_follow_each_other_and_all_see_who_leads(scene: Scene, cast: tuple[str, ...]) -> None:
    latches = {f"{language}-{n}": scene.actor(language, "latch", "latch") for n, language in enumerate(cast, 1)}
    for count, latch in enumerate(latches.values(), 1):
        latch.tell("start")
        scene.wait_for_children("latch", count)
    names = list(latches)
    observer = next(latch for name, latch in reversed(latches.items()) if name.startswith("ours"))
    for place, (name, latch) in enumerate(latches.items()):
        present = list(latches.values())[place:]
        latch.tell("wait")
        assert [each.tell("participants") for each in present] == [names[place:]] * len(present)
        assert {each.tell("leader") for each in present} == {name}
        assert [each.tell("is_leader") for each in present] == [True] + [False] * (len(present) - 1)
        if observer in present:
            wait_for(lambda seen=names[: place + 1]: observer.tell("leaders") == seen, "what the observer sees")
        # Curator tells its listeners a moment after it has become leader.
        wait_for(lambda leader=latch: leader.tell("history") == [True], "the leader to have been told so, once")
        assert [each.tell("history") for each in present[1:]] == [[]] * (len(present) - 1)
        latch.tell("close")
    scene.wait_for_children("latch", 0)  # Curator deletes in the background


@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize("other", ["curator", "kazoo"])
def test_the_elected_follow_each_other(scene: Scene, other: str, ours_first: bool) -> None:
    languages = ("ours", other) * 2 if ours_first else (other, "ours") * 2
    names = [f"{language}-{n}" for n, language in enumerate(languages, 1)]
    candidates = [scene.actor(language, "election", "election", layout=other) for language in languages]
    elected = [scene.queue(candidate, "election", "acquire") for candidate in candidates]
    for place, candidate in enumerate(candidates):
        elected[place].result(20.0)
        assert not [order for order in elected[place + 1 :] if order.done()]
        watching = scene.actor("ours", "election", "election", layout=other)
        assert watching.tell("contenders") == names[place:]
        candidate.tell("release")
    scene.wait_for_children("election", 0)  # Curator's candidates leave in the background
