"""The command line of ``curl``: its options, and the URLs that it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from getopt import GetoptError, gnu_getopt
from urllib.parse import urlsplit

from iptlab.console.complaint import ComplaintError, NotModelledError

_PORTS = {"http": 80, "https": 443}
_SHORT = "46d:fH:iIkLm:o:sSA:vw:X:"
_LONG = {
    **{"ipv4": "-4", "ipv6": "-6", "data=": "-d", "fail": "-f", "header=": "-H", "include": "-i"},
    **{"head": "-I", "insecure": "-k", "location": "-L", "max-time=": "-m", "output=": "-o"},
    **{"silent": "-s", "show-error": "-S", "user-agent=": "-A", "verbose": "-v"},
    **{"write-out=": "-w", "request=": "-X", "url=": "--url", "interface=": "--interface"},
    **{"resolve=": "--resolve", "connect-timeout=": "--connect-timeout", "version": "--version"},
}
TRY = "curl: try 'curl --help' or 'curl --manual' for more information"


class TransferError(Exception):
    """A transfer that failed: curl's number for it, and what it says."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Options:
    """The options of one call by their short names, and those that may be given often."""

    given: Mapping[str, str]
    headers: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()

    @classmethod
    def parse(cls, words: Sequence[str]) -> tuple[Options, list[str]]:
        """The options, and the URLs among the words."""
        try:
            pairs, urls = gnu_getopt(list(words), _SHORT, list(_LONG))
        except GetoptError as error:
            option = f"-{error.opt}" if len(error.opt) == 1 else f"--{error.opt}"
            missing = "requires argument" in error.msg
            said = "requires parameter" if missing else "is unknown"
            raise ComplaintError(f"curl: option {option}: {said}\n{TRY}", 2) from None
        short = {f"--{name.rstrip('=')}": option for name, option in _LONG.items()}
        named = [(short.get(name, name), value) for name, value in pairs]
        headers = tuple(value for name, value in named if name == "-H")
        resolved = tuple(value for name, value in named if name == "--resolve")
        urls += [value for name, value in named if name == "--url"]
        return cls(dict(named), headers, resolved), urls

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def seconds(self, name: str) -> float:
        """The value of an option that is a number of seconds; 0 if it was not given."""
        text = self.given.get(name, "0")
        if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text):
            said = f"option {name}: expected a proper numerical parameter"
            raise ComplaintError(f"curl: {said}\n{TRY}", 2)
        return float(text)

    @property
    def family(self) -> int | None:
        """The family that was asked for."""
        return 4 if "-4" in self else 6 if "-6" in self else None


@dataclass(frozen=True)
class Url:
    """The parts of a URL that matter here."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> Url:
        """Read a URL; without a scheme it is http."""
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            port = parts.port
        except ValueError:
            raise TransferError(3, "URL using bad/illegal format or missing URL") from None
        scheme = parts.scheme.lower()
        if scheme in ("ftp", "ftps", "file", "telnet", "tftp"):
            raise NotModelledError("curl", f"{scheme}://", "Write http://ADDRESS:PORT/.")
        if scheme not in _PORTS:
            raise TransferError(1, f'Protocol "{scheme}" not supported or disabled in libcurl')
        if not parts.hostname:
            raise TransferError(3, "URL using bad/illegal format or missing URL")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme, parts.hostname, port or _PORTS[scheme], path)

    @property
    def authority(self) -> str:
        """The host as the request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"
