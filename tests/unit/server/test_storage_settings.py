"""What the storage is told of a configuration."""

from dataclasses import replace

import pytest

from zkeeper.server.config.ensemble import LearnersConfig
from zkeeper.server.config.model import ServerConfig, StorageConfig
from zkeeper.server.settings import storage_settings

CONFIG = ServerConfig(storage=StorageConfig(data_dir="/data"))


@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.5])
def test_how_much_of_the_logs_a_learner_may_be_sent_is_a_setting(factor: float) -> None:
    config = replace(CONFIG, learners=LearnersConfig(snapshot_size_factor=factor))
    assert storage_settings(config).snapshot_size_factor == factor


def test_without_a_word_of_it_a_learner_may_be_sent_a_third() -> None:
    assert storage_settings(CONFIG).snapshot_size_factor == 0.33
