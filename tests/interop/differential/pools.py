"""The small world that requests are drawn from: paths, data, ACL lists, credentials and quota values, good and bad.

Small on purpose: forty hot paths make most requests meet a node,
    a watch or a version that another request left there.
"""

from .codec import AclEntry, Text

HOT = (
    "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/x", "/a/y", "/a/sp ace", "/a/...", "/a/.h", "/b", "/b/\u00e9t\u00e9",
    "/b/\u6f22\u5b57", "/b/\ud7ff", "/b/\ufeff\uffef", "/b/\uf900", "/c", "/c/1", "/c/2", "/c/3", "/c/10",
    "/c/\u00a0", "/e", "/e/1",
    "/e/2", "/e/1/x", "/q", "/q/in", "/q/in/er", "/q/in/er/most", "/q/z", "/qq", "/t", "/t/1", "/t/2", "/t/1/x",
)  # fmt: skip
TOPS = ("/a", "/b", "/c", "/e", "/q", "/t", "/a/b", "/q/in")
DEEP = tuple("/a" + "/deep" * depth for depth in range(1, 7))
RESERVED = ("/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "/zookeeper/extra", "/zookeeper/config/x")
SEQUENTIAL = ("/a/s-", "/a/", "/c/n", "/e/s", "/b/b/", "/q/in/s-", "/t/", "/", "/gone/s-")
QUOTAS = ("/q", "/q/in", "/a")
INVALID: tuple[Text, ...] = (
    "", "a", "a/b", "//", "/a/", "/a//b", "//a", "/a/.", "/a/..", "/./a", "/a/../b", "/a/\x00b", "/\x01",
    "/a/\x1f", "/\x7f",
    "/\x9f", "/\ue000", "/a/\uf8ff", "/\ufff0", "/\uffff", "/a/b/", "/zookeeper/", "zookeeper/quota", "/q/",
    " /a", "/a/\x80",
    "/\U0001f600", b"/\xed\xa0\xbd\xed\xb8\x80", b"/a/\xed\xa0\x80", b"/\xf4\x90\x80\x80", b"/\xf0\x9f\x98",
    b"/a/\xff", b"/\xc3", b"/a/\xc0\x80", b"\xff\xfe", b"/b/\xe2\x82",
)  # fmt: skip

STATS_NODE, LIMITS_NODE = "zookeeper_stats", "zookeeper_limits"
GOOD_STATS = (b"count=3,bytes=40", b"count=0,bytes=0", b"count=-1,bytes=-1", b"count=1,bytes=7=;byteHardLimit=20")
QUOTA_HOT = ("/q", "/q/in", "/q/in/er", "/q/in/er/most", "/q/z", "/a", "/a/x") * 4
GOOD_LIMITS = (
    b"count=-1,bytes=-1=;countHardLimit=2", b"count=-1,bytes=-1=;byteHardLimit=60;countHardLimit=3",
    b"byteHardLimit=300", b"countHardLimit=4;byteHardLimit=2100", b"count=2,bytes=10", b"byteHardLimit=17",
)  # fmt: skip
LIMITS = (
    b"count=5,bytes=100", b"count=-1,bytes=-1=;byteHardLimit=60;countHardLimit=6",
    b"count=2,bytes=-1=;countHardLimit=5",
    b"bytes=10", b"count=3", b"byteHardLimit=30", b"countHardLimit=8;byteHardLimit=80", b"count==,bytes=5", b"", None,
    b"junk", b"count", b"count=", b"count=x", b"count=5,,;;bytes=9", b"count=99999999999999999999", b"count=1=2=3",
    b"byteHardLimit=0", b"count=+7,bytes= 5",
)  # fmt: skip

DATA = (None, b"", b"x", b"hello", b"0" * 17, bytes(range(256)), b"\x00" * 100, b"kilo" * 512, b"more" * 1500)

OPEN: list[AclEntry] = [(31, "world", "anyone")]
BOB = "bob:fyVmFCwVbTJYrznoSu1koqYEYF0="
USABLE_ACLS: tuple[list[AclEntry], ...] = (
    [(1, "world", "anyone")], [(30, "world", "anyone")], [(15, "world", "anyone")], [(0, "world", "anyone")],
    [(255, "world", "anyone")], [(-1, "world", "anyone")], [(5, "world", "anyone"), (5, "world", "anyone")],
    [(1, "world", "anyone"), (31, "digest", BOB)], [(31, "digest", BOB)],
    [(17, "digest", BOB), (6, "world", "anyone")],
    [(31, "ip", "127.0.0.1")], [(31, "ip", "127.0.0.2/30"), (1, "world", "anyone")], [(31, "ip", "10.0.0.0/8")],
    [(31, "ip", "127.0.0.1/32")], [(31, "ip", "0.0.0.0/0")], [(31, "ip", "::/0")], [(31, "ip", "::1"), *OPEN],
    [(31, "auth", "")], [(31, "auth", "what ever")], [(1, "auth", None), (31, "world", "anyone")],
    [(31, "auth", ""), (31, "auth", "")], [(16, "world", "anyone"), (1, "digest", "a:b")],
    [(31, "digest", ":b"), *OPEN],
    [(31, "digest", "a:b:"), *OPEN], [(31, "digest", BOB), (1, "digest", BOB), (31, "digest", BOB)],
    [(31, "digest", "\u00fc:\u6f22"), *OPEN],
)  # fmt: skip
UNUSABLE_ACLS: tuple[list[AclEntry] | None, ...] = (
    None, [], [(31, "world", "foo")], [(31, "world", "")], [(31, "world", None)], [(31, None, "anyone")],
    [(31, "", "")],
    [(31, "super", "")], [(31, "super", "x")], [(31, "nope", "x")], [(31, "sasl", "bob")], [(31, "x509", "CN=bob")],
    [(31, "digest", "a:")], [(31, "digest", "a")], [(31, "digest", "a:b:c")], [(31, "digest", ":")],
    [(31, "digest", "")],
    [(31, "digest", None)], [(31, "ip", None)], [(31, "ip", "10.0.0.0/33")], [(31, "ip", "1.2.3")],
    [(31, "ip", "1.2.3.4/")],
    [(31, "ip", "1.2.3.4/-1")], [(31, "ip", "256.1.1.1")], [(31, "ip", "::ffff:1.2.3.4")], [(31, "ip", "")],
    [(31, "ip", "::1/129")], [(31, "ip", "1.2.3.4/x")], [(31, "ip", "1.2.3.4/8/8")], [(31, "ip", "1::2::3")],
    [(31, "world", "anyone"), (31, "nope", "x")], [(31, "World", "anyone")], [(31, "key", "x")], [(31, "nope", None)],
)  # fmt: skip

CREDENTIALS: tuple[tuple[Text, bytes], ...] = (
    ("digest", b"bob:secret"), ("digest", b"bob:secret"), ("digest", b"alice:pw"), ("digest", b"justname"),
    ("digest", b""),
    ("digest", b"a:b:c"), ("digest", b":x"), ("digest", "\u00fc:\u6f22".encode()), ("digest", b"\xff\xfe:\xff"),
    ("ip", b""), ("ip", b"10.0.0.1"),
)  # fmt: skip
SUPER_CREDENTIAL = b"super:admin"
SUPER_DIGEST = "super:xQJmxLMiHGwaqBvst5y6rkB6HQs="
REFUSED_CREDENTIALS: tuple[tuple[Text, bytes | None], ...] = (
    ("nope", b"x"), ("world", b"anyone"), ("super", b"super:admin"), ("sasl", b"bob"), ("auth", b""),
    ("", b""), (None, b"x"),
    ("digest", None), ("Digest", b"bob:secret"), ("x509", b""), (b"\xff", b""),
)  # fmt: skip
