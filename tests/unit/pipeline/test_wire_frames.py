"""Corner cases of the client protocol: lengths, and the four-letter words in their place (1 to 3, 34)."""

import raw_wire as raw
from pipeline_harness import Client, Server


def in_both_states() -> list[Client]:
    """A connection before its handshake and one after it."""
    server = Server()
    return [server.open(), server.connect()]


def test_1_too_long_a_frame() -> None:
    for client in in_both_states():
        client.send(bytes.fromhex("00100000"))
        assert client.is_closed
        assert client.outlet.take() == b""


def test_2_the_longest_frame_is_waited_for() -> None:
    for client in in_both_states():
        client.send(bytes.fromhex("000fffff"))
        assert not client.is_closed


def test_2_the_longest_frame_is_served() -> None:
    client = Server().connect()
    data = bytes(0xFFFFF - len(raw.request(0, raw.SET_DATA, raw.set_data(b"/zookeeper", b""))) + 4)
    frame = raw.request(1, raw.SET_DATA, raw.set_data(b"/zookeeper", data))
    assert frame[:4] == bytes.fromhex("000fffff")
    for at in range(0, len(frame), 65536):
        client.send(frame[at : at + 65536])
    client.server.commit()
    assert client.take()[0].err == 0
    assert client.get(b"/zookeeper")[0] == data


def test_3_no_length() -> None:
    for length in ("00000000", "ffffffff", "80000000"):
        for client in in_both_states():
            client.send(bytes.fromhex(length))
            assert client.is_closed
            assert client.outlet.take() == b""


def test_1_and_3_what_is_wrong_with_a_length_is_told() -> None:
    longest = "allows 1048575; send less, or raise jute.maxbuffer on servers and clients; closed"
    for client in in_both_states():
        client.send(bytes.fromhex("00100000"))
        assert client.server.told[-1].endswith(f"a request of 1048576 bytes, where jute.maxbuffer {longest}")
        other = client.server.open()
        other.send(bytes.fromhex("80000000"))
        assert client.server.told[-1].endswith(r"b'\x80\x00\x00\x00' is no length of a frame; closed")
    stranger, known = in_both_states()
    stranger.send(b"GET / HTTP/1.1\r\n")
    told = stranger.server.told[-1]
    assert told.endswith("b'GET ' is neither a four-letter word nor the beginning of ZooKeeper's protocol; closed")
    known.send(b"GET / HTTP/1.1\r\n")
    assert f"a request of {int.from_bytes(b'GET ', 'big')} bytes" in known.server.told[-1]


class Words:
    def knows(self, word: bytes) -> bool:
        return word in (b"ruok", b"stmk")

    def answer(self, word: bytes, argument: bytes, link: object) -> bytes:
        return b"%s(%s)" % (word, argument)


def test_34_four_letter_words() -> None:
    for sent, answer in [(b"abcd", b""), (b"ruok", b"ruok()"), (b"ruok\n", b"ruok(\n)")]:
        client = Server().open()
        client.server.service.words = Words()
        client.send(sent)
        assert client.outlet.take() == answer
        assert client.is_closed


def test_34_words_in_pieces() -> None:
    client = Server().open()
    client.server.service.words = Words()
    for piece in (b"s", b"tm", b"k1234", b"567"):
        client.send(piece)
        assert client.outlet.take() == b""
    client.send(b"8")
    assert client.outlet.take() == b"stmk(12345678)"


def test_34_no_words_after_the_handshake() -> None:
    client = Server().connect()
    client.server.service.words = Words()
    client.send(b"ruok")
    assert client.outlet.take() == b""
    assert client.is_closed
