"""Server configurations the tester runs under, in turns; both servers get the same one."""

from dataclasses import dataclass, field

from .pools import QUOTA_HOT, SUPER_DIGEST

_NEVER_MS = 86_400_000
_COMMON = {
    "tickTime": "2000", "minSessionTimeout": "800000", "maxSessionTimeout": "1200000", "maxClientCnxns": "0",
    "admin.enableServer": "false", "DigestAuthenticationProvider.superDigest": SUPER_DIGEST,
}  # fmt: skip

PROCESS_PROPERTIES = {"znode.container.checkIntervalMs": str(_NEVER_MS)}
"""Settings that are properties of the process: the reaper's clock is not the run's, so it never comes."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Lines of zoo.cfg, and what they ask of the generator.

    A burst has at most `max_burst` requests. The paths in `hot` are drawn more often, and so are, by `quota_weight`,
    quota nodes. An epoch under this profile has `share` of the usual requests.
    """

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    one_write_per_burst: bool = False
    hot: tuple[str, ...] = ()
    quota_weight: int = 1
    max_burst: int = 20
    share: float = 1.0

    def zoo_cfg(self, data_dir: str, port: int) -> str:
        lines = _COMMON | self.settings | {
            "dataDir": data_dir, "clientPort": str(port), "clientPortAddress": "127.0.0.1"
        }  # fmt: skip
        return "".join(f"{key}={value}\n" for key, value in lines.items())


PROFILES = {
    "extended": Profile("extended", {"extendedTypesEnabled": "true"}),
    "plain": Profile("plain"),
    "quota": Profile(
        "quota",
        {"enforceQuota": "true", "reconfigEnabled": "true"},
        one_write_per_burst=True,
        hot=QUOTA_HOT,
        quota_weight=3,
        max_burst=4,
        share=0.25,
    ),
}
