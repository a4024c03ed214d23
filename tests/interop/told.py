"""What servers tell in four-letter words, made comparable: what belongs to one run is replaced by letters."""

import re

OF_LATER_RELEASES = re.compile(r"zk_(op_count_|ttl_node_)")
OUR_OWN = frozenset(["zk_zxid_counter"])
"""Metrics that zkeeper alone has."""


def shape(text: str) -> str:
    """`text` with what differs from run to run replaced; version, ids, dates, ports and other numbers."""
    text = re.sub(r"(version[:=] ?3\.9\.5-).*", r"\1V", text)
    text = re.sub(r"0x[0-9a-f]+", "ID", text)
    text = re.sub(r"at \w{3} \w{3} [0-9]{2} [0-9:]{8} \w+ [0-9]{4}", "at DATE", text)
    return re.sub(r"[0-9]+(\.[0-9]+)*", "N", text)


def without_empty_periods(dump: str) -> str:
    """Lines about periods that only Java tells, as nothing expires in them, and those that count periods."""
    return "\n".join(line for line in dump.split("\n") if not re.match("[0-9]+ expire at ", line))


def metrics(mntr: str) -> dict[str, str]:
    """By name, with the `zk_`."""
    return dict(line.split("\t") for line in mntr.splitlines())


def is_traffic_set(name: str) -> bool:
    """Of bytes read and written by the first part of paths, and of the queues to learners; zkeeper has none."""
    return bool(re.search("_(read|write)_per_namespace$|_[0-9]+_learner_handler_qp_", name))
