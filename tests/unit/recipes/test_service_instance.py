"""The JSON of Curator's service discovery, and addresses that are made of it."""

import json

import pytest

from zkeeper.recipes import ServiceInstance, ServiceType
from zkeeper.recipes.service_instance import decode, encode

WRITTEN_BY_CURATOR = (
    b'{"name":"test","id":"1","address":"10.20.30.40","port":1234,"sslPort":null,"payload":"thing",'
    b'"registrationTimeUTC":99,"serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme","variable":true},'
    b'{"value":"://","variable":false},{"value":"address","variable":true}]}}'
)


def test_what_curator_writes_is_read_and_written_again_as_it_was() -> None:
    instance = decode(WRITTEN_BY_CURATOR)
    assert instance == ServiceInstance(
        "test", "1", "10.20.30.40", 1234, payload="thing", registered_at_ms=99, uri_spec="{scheme}://{address}"
    )
    assert encode(instance) == WRITTEN_BY_CURATOR
    assert instance.uri() == "http://10.20.30.40"


def test_fields_of_other_versions() -> None:
    record = json.loads(WRITTEN_BY_CURATOR) | {"enabled": False, "later": 1, "serviceType": "DYNAMIC_SEQUENTIAL"}
    instance = decode(json.dumps(record).encode())
    assert not instance.enabled
    assert instance.type is ServiceType.DYNAMIC_SEQUENTIAL
    assert json.loads(encode(instance))["enabled"] is False
    assert "enabled" not in json.loads(encode(decode(WRITTEN_BY_CURATOR)))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"name": "x"}', b"\xff", b'{"name":"x","id":"1","serviceType":"?"}']
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  what is wrong with a text is JSON's business
        decode(data)


def test_addresses() -> None:
    secure = ServiceInstance(
        "n", "i", "h", ssl_port=443, uri_spec="{scheme}://{address}:{ssl-port}/{path}{[}x{unknown}"
    )
    assert secure.uri({"path": "p"}) == "https://h:443/p{x"
    with pytest.raises(ValueError, match="brace"):
        ServiceInstance("n", uri_spec="{scheme").uri()
