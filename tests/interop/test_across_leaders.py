"""Leaders of several languages on the same paths, each in a process of its own."""

import pytest

from .stage import Scene


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
    scene.wait_for_children("election", 0)
