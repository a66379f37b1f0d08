"""``curl``: what a server says over HTTP, or why it says nothing.

Simplified: every TCP listener speaks HTTP, and with https:// it has a certificate that curl
trusts. There is no progress meter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.console.curl_words import TRY, Options, TransferError, Url
from iptlab.console.reach import (
    MOMENT,
    WRONG_FAMILY,
    UnresolvedError,
    reach,
    resolve,
    talk,
    written_out,
)
from iptlab.packet import Address, Protocol
from iptlab.simulate.conversation import SYN_GIVEN_UP
from iptlab.simulate.network import Attempt, Result

# seconds that curl waits for a connection, if nobody says otherwise (lib/connect.h)
_CONNECT_TIMEOUT = 300.0
# seconds after which the kernel gives up on data that nobody acknowledges (tcp_retries2 = 15)
_DATA_GIVEN_UP = 924.6
_WHY = {
    Result.REFUSED: "Connection refused",
    Result.NO_ROUTE: "No route to host",
    Result.UNREACHABLE: "Network is unreachable",
    Result.PROHIBITED: "Permission denied",
    Result.TIMED_OUT: "Connection timed out",
}


@register_command("curl")
@complaining
def curl(session: Session, words: Sequence[str]) -> Output:
    """Fetch URLs; every transfer is a TCP connection that the server closes."""
    options, urls = Options.parse(words[1:])
    if "--version" in options:
        return Output("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1\n")
    if not urls:
        raise ComplaintError(TRY, 2)
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
            host, _, rest = given.partition(":")
            port, _, text = rest.partition(":")
            address = written_out(text.strip("[]"))
            if address is None:
                raise TransferError(49, f"Couldn't parse CURLOPT_RESOLVE entry '{given}'")
            if (host, port) == (url.host, str(url.port)):
                return (address,)
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
            known = [one.ip for one in host.by_name[name].addresses]
        else:
            known = [one for one in [written_out(name)] if one is not None]
        own = next((one for one in known if one.version == to.version), None)
        if own is None:
            raise TransferError(45, f"Couldn't bind to '{name}'")
        if not host.owns(own):
            said = "bind failed with errno 99: Cannot assign requested address"
            raise TransferError(45, said)
        return own

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
