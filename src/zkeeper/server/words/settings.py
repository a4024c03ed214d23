"""conf, dirs, envi and hash: what the server was told, where it keeps its files, what it runs in, what it computed."""

from collections.abc import Mapping

from zkeeper.server.words.facts import Question
from zkeeper.server.words.version import VERSION

NO_PORT = -1


def conf(question: Question) -> str:
    quorum = question.facts.quorum
    if quorum is None:
        return _own_settings(question)
    membership = "" if question.service.is_read_only else f"membership: \n{quorum.membership()}"
    return f"{_own_settings(question)}{_pairs(quorum.configuration())}{membership}"


def _own_settings(question: Question) -> str:
    facts, settings = question.facts, question.service.settings
    return _pairs(
        {
            "clientPort": facts.client_port(),
            "secureClientPort": NO_PORT,
            "dataDir": facts.data_folder,
            "dataDirSize": facts.data_folder_bytes(),
            "dataLogDir": facts.log_folder,
            "dataLogSize": facts.log_folder_bytes(),
            "tickTime": settings.tick_ms,
            "maxClientCnxns": facts.max_client_cnxns,
            "minSessionTimeout": settings.min_timeout_ms,
            "maxSessionTimeout": settings.max_timeout_ms,
            "clientPortListenBacklog": facts.listen_backlog,
            "serverId": facts.server_id,
        }
    )


def dirs(question: Question) -> str:
    facts = question.facts
    return f"datadir_size: {facts.data_folder_bytes()}\nlogdir_size: {facts.log_folder_bytes()}\n"


def envi(question: Question) -> str:
    return "Environment:\n" + _pairs({"zookeeper.version": VERSION, **question.facts.process.environment()})


def hash_history(question: Question) -> str:
    return "".join(f"{zxid:x}: {digest}\n" for zxid, digest in question.service.database.digest_history)


def _pairs(values: Mapping[str, object]) -> str:
    return "".join(f"{key}={value}\n" for key, value in values.items())
