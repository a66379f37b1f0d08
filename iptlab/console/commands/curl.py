"""``curl``: what a server says over HTTP, or why it says nothing.

Simplified: every TCP listener speaks HTTP, and with https:// it has a certificate that curl
trusts. There is no progress meter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from getopt import GetoptError, gnu_getopt
from ipaddress import ip_address
from urllib.parse import urlsplit

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.console.reach import MOMENT, WRONG_FAMILY, UnresolvedError, reach, resolve, talk
from iptlab.packet import Address, Protocol
from iptlab.simulate.conversation import SYN_GIVEN_UP
from iptlab.simulate.network import Attempt, Result

_PORTS = {"http": 80, "https": 443}
# seconds that curl waits for a connection, if nobody says otherwise (lib/connect.h)
_CONNECT_TIMEOUT = 300.0
# seconds after which the kernel gives up on data that nobody acknowledges (tcp_retries2 = 15)
_DATA_GIVEN_UP = 924.6
_SHORT = "46d:fH:iIkLm:o:sSA:vw:X:"
_LONG = {
    **{"ipv4": "-4", "ipv6": "-6", "data=": "-d", "fail": "-f", "header=": "-H", "include": "-i"},
    **{"head": "-I", "insecure": "-k", "location": "-L", "max-time=": "-m", "output=": "-o"},
    **{"silent": "-s", "show-error": "-S", "user-agent=": "-A", "verbose": "-v"},
    **{"write-out=": "-w", "request=": "-X", "url=": "--url", "interface=": "--interface"},
    **{"resolve=": "--resolve", "connect-timeout=": "--connect-timeout", "version": "--version"},
}
_TRY = "curl: try 'curl --help' or 'curl --manual' for more information"
_WHY = {
    Result.REFUSED: "Connection refused",
    Result.NO_ROUTE: "No route to host",
    Result.UNREACHABLE: "Network is unreachable",
    Result.PROHIBITED: "Permission denied",
    Result.TIMED_OUT: "Connection timed out",
}


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
            raise ComplaintError(f"curl: option {option}: {said}\n{_TRY}", 2) from None
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
            raise ComplaintError(f"curl: {said}\n{_TRY}", 2)
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


@register_command("curl")
@complaining
def curl(session: Session, words: Sequence[str]) -> Output:
    """Fetch URLs; every transfer is a TCP connection that the server closes."""
    options, urls = Options.parse(words[1:])
    if "--version" in options:
        return Output("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1\n")
    if not urls:
        raise ComplaintError(_TRY, 2)
    outputs = [Transfer(session, options, url).run() for url in urls]
    stdout = "".join(one.stdout for one in outputs)
    return Output(stdout, "".join(one.stderr for one in outputs), outputs[-1].status)


@dataclass
class Transfer:
    """The fetching of one URL: what it prints, and what ``-w`` may ask about it."""

    session: Session
    options: Options
    text: str
    errors: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def run(self) -> Output:
        """Fetch it, and say so or why not."""
        began = self.session.network.now
        status, out = 0, ""
        try:
            out = self._fetch(Url.parse(self.text))
        except TransferError as error:
            status = error.status
            self._verbose("Closing connection 0" if status not in (1, 3) else "")
            if "-s" not in self.options or "-S" in self.options:
                self.errors.append(f"curl: ({status}) {error.text}")
            self.facts |= {"errormsg": error.text}
        file = self.options.given.get("-o")
        if file is not None and file != "-":
            if file != "/dev/null" and not status:
                self.session.box.files[file] = out
            out = ""
        took = (self.session.network.now - began).total_seconds()
        self.facts |= {"time_total": f"{took:.6f}", "exitcode": str(status), "url": self.text}
        written = self._written(self.options.given.get("-w", ""))
        return Output(out + written, "".join(f"{line}\n" for line in self.errors), status)

    def _fetch(self, url: Url) -> str:
        for address in self._addresses(url):
            attempt, took = self._connect(url, address)
            if attempt.result is Result.CONNECTED:
                return self._transfer(url, attempt)
        raise self._failed(url, attempt, took)

    def _verbose(self, *lines: str, mark: str = "*") -> None:
        if "-v" in self.options:
            self.errors += [f"{mark} {line}" for line in lines if line or mark != "*"]

    # --- reaching the server ---

    def _addresses(self, url: Url) -> tuple[Address, ...]:
        for given in self.options.resolved:
            host, port, *address = given.split(":", 2)
            if (host, port) == (url.host, str(url.port)) and address:
                return (ip_address(address[0].strip("[]")),)
        try:
            return resolve(self.session, url.host, self.options.family)
        except UnresolvedError as error:
            if str(error) == WRONG_FAMILY:
                raise TransferError(7, "Couldn't connect to server") from None
            said = f"Could not resolve host: {url.host}"
            self._verbose(said)
            raise TransferError(6, said) from None

    def _connect(self, url: Url, address: Address) -> tuple[Attempt, int]:
        """Try an address; how it went, and after how many milliseconds."""
        shown = f"[{address}]" if address.version == 6 else address
        self._verbose(f"  Trying {shown}:{url.port}...")
        network, began = self.session.network, self.session.network.now
        packet = network.first(self.session.host, address, Protocol.TCP, url.port)
        if "--interface" in self.options:
            packet = replace(packet, src=self._source(address))
        attempt = reach(self.session, packet, self._patience())
        took = round(((network.now - began).total_seconds() - MOMENT) * 1000)
        if attempt.result is not Result.CONNECTED and not self._impatient(attempt):
            why = "Permission denied" if attempt.error == "EACCES" else _WHY[attempt.result]
            self._verbose(f"connect to {address} port {url.port} failed: {why}")
        return attempt, took

    def _patience(self) -> float:
        limits = [self.options.seconds("-m"), self.options.seconds("--connect-timeout")]
        return min([one for one in limits if one] or [_CONNECT_TIMEOUT])

    def _impatient(self, attempt: Attempt) -> bool:
        """Whether it was curl and not the kernel who gave up."""
        return attempt.result is Result.TIMED_OUT and self._patience() < SYN_GIVEN_UP

    def _source(self, to: Address) -> Address:
        name, host = self.options.given["--interface"], self.session.machine.host
        if name in host.by_name:
            own = (one.ip for one in host.by_name[name].addresses if one.version == to.version)
            return next(own)
        try:
            address = ip_address(name)
        except ValueError:
            raise TransferError(45, f"Couldn't bind to '{name}'") from None
        if not host.owns(address):
            said = "bind failed with errno 99: Cannot assign requested address"
            raise TransferError(45, said)
        return address

    def _failed(self, url: Url, attempt: Attempt, took: int) -> TransferError:
        place = f"Failed to connect to {url.host} port {url.port} after {took} ms"
        status, said = 7, f"{place}: Couldn't connect to server"
        if attempt.result is Result.TIMED_OUT:
            status = 28
        if self._impatient(attempt):
            most = self.options.seconds("-m")
            place = f"Failed to connect to {url.host} port {url.port} after {took + 1} ms"
            said = f"{place}: Timeout was reached"
            if most == self._patience():
                said = f"Connection timed out after {took + 1} milliseconds"
        self._verbose(said)
        return TransferError(status, said)

    # --- talking to it ---

    def _transfer(self, url: Url, opened: Attempt) -> str:
        packet = opened.packet
        self._verbose(f"Connected to {url.host} ({packet.dst}) port {url.port} (#0)")
        request = "\r\n".join([*self._request(url), "", ""])
        self._verbose(*request.split("\r\n")[:-1], mark=">")
        request += self.options.given.get("-d", "")
        talked = talk(self.session, opened, request)
        self.facts |= {"remote_ip": str(packet.dst), "remote_port": str(packet.dport)}
        self.facts |= {"local_ip": str(packet.src), "local_port": str(packet.sport)}
        if not talked.heard:
            raise self._interrupted(talked)
        head, _, body = talked.heard.partition("\r\n\r\n")
        self.facts |= {"http_code": "200", "response_code": "200", "num_connects": "1"}
        self._verbose(*head.split("\r\n"), "", mark="<")
        self._verbose("Closing connection 0")
        if "-I" in self.options:
            return f"{head}\r\n\r\n"
        self.facts |= {"size_download": str(len(body.encode()))}
        return f"{head}\r\n\r\n{body}" if "-i" in self.options else body

    def _request(self, url: Url) -> Iterator[str]:
        given = self.options.given
        usual = "HEAD" if "-I" in given else "POST" if "-d" in given else "GET"
        yield f"{given.get('-X', usual)} {url.path} HTTP/1.1"
        headers = {"Host": url.authority, "User-Agent": given.get("-A", "curl/7.88.1")}
        headers["Accept"] = "*/*"
        if "-d" in given:
            headers["Content-Length"] = str(len(given["-d"].encode()))
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        for header in self.options.headers:
            name, _, value = header.partition(":")
            known = next((one for one in headers if one.lower() == name.lower()), name)
            headers[known] = value.strip()
        yield from (f"{name}: {value}" for name, value in headers.items())

    def _interrupted(self, talked: Attempt) -> TransferError:
        if talked.result is Result.REFUSED:
            return TransferError(56, "Recv failure: Connection reset by peer")
        most = self.options.seconds("-m")
        self.session.network.wait(most or _DATA_GIVEN_UP)
        if most:
            took = int(most * 1000) + 1
            said = f"Operation timed out after {took} milliseconds with 0 bytes received"
            self._verbose(said)
            return TransferError(28, said)
        return TransferError(56, "Recv failure: Connection timed out")

    def _written(self, template: str) -> str:
        """What ``-w`` prints: variables in ``%{…}``, and backslashes for special letters."""
        usual = {"http_code": "000", "response_code": "000", "num_connects": "0"}
        usual |= dict.fromkeys(("remote_ip", "local_ip", "errormsg"), "")
        usual |= dict.fromkeys(("remote_port", "local_port", "size_download"), "0")
        facts = usual | self.facts

        def value(found: re.Match[str]) -> str:
            if found[1] not in facts:
                said = f"the variable {found[1]} of -w"
                raise NotModelledError("curl", said, f"Known: {', '.join(sorted(facts))}.")
            return facts[found[1]]

        text = re.sub(r"%\{(\w+)\}", value, template)
        for written, meant in (("\\n", "\n"), ("\\t", "\t"), ("\\r", "\r"), ("%%", "%")):
            text = text.replace(written, meant)
        return text
