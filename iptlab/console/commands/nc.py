"""``nc``: whether a port is open, and a few words to whoever listens there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from getopt import GetoptError, gnu_getopt

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.console.reach import (
    UNKNOWN,
    WRONG_FAMILY,
    UnresolvedError,
    close,
    reach,
    resolve,
    talk,
    written_out,
)
from iptlab.names import service_name, service_port
from iptlab.packet import Address, Packet, Protocol
from iptlab.simulate.conversation import SYN_GIVEN_UP
from iptlab.simulate.network import Attempt, Result

_USAGE = """usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
\t  [destination] [port]"""
_WHY = {
    Result.REFUSED: "Connection refused",
    Result.NO_ROUTE: "No route to host",
    Result.UNREACHABLE: "Network is unreachable",
    Result.TIMED_OUT: "Connection timed out",
    Result.PROHIBITED: "Operation not permitted",
}
_ERRNO = {
    "EACCES": "Permission denied",
    "EINVAL": "Invalid argument",
    "ENOPROTOOPT": "Protocol not available",
}
# what connect(2) itself says of a datagram socket; rules are asked only when something is sent
_NO_WAY = ("ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL")
# pauses before each datagram that nc sends to see whether anybody objects, as measured
_PROBES = (0, 0, 1, 1, 1)
_NO_OBJECTION = (Result.CONNECTED, Result.TIMED_OUT)
# more ports than anybody scans by hand
_MOST_PORTS = 1024


def _wrong(text: str) -> ComplaintError:
    return ComplaintError(f"nc: {text}")


@register_command("nc", "netcat")
@complaining
def nc(session: Session, words: Sequence[str]) -> Output:
    """Connect to a port; what comes on standard input is sent, the answer printed.

    Simplified: without standard input nc would wait for somebody to type. Here it ends, and its
    connection stays open. Every TCP listener speaks HTTP.
    """
    try:
        pairs, given = gnu_getopt(list(words[1:]), "46dhklNnp:q:rs:uvw:z")
    except GetoptError as error:
        if "requires argument" in error.msg:
            said = f"nc: option requires an argument -- '{error.opt}'"
        elif error.opt in "CDFIiMmOPSTtUVWXxZ":
            raise NotModelledError("nc", f"the option -{error.opt}") from None
        else:
            said = f"nc: invalid option -- '{error.opt}'"
        raise ComplaintError(f"{said}\n{_USAGE}") from None
    options = dict(pairs)
    if "-l" in options or "-k" in options:
        instead = "Who listens here is part of the network; ss -lnt shows it."
        raise NotModelledError("nc", "listening (-l)", instead)
    if not given or "-h" in options:
        raise ComplaintError(_USAGE)
    if len(given) < 2:
        raise _wrong("missing port number")
    return Netcat(session, options, given[0]).run(list(_ports(given[1], udp="-u" in options)))


def _ports(text: str, *, udp: bool) -> Iterator[int]:
    """A port, a service or a range."""
    first, dash, last = text.partition("-")
    if dash and first.isdecimal() and last.isdecimal():
        ends = sorted((_port(first, udp=udp), _port(last, udp=udp)))
        if ends[1] - ends[0] >= _MOST_PORTS:
            raise NotModelledError("nc", f"a range of more than {_MOST_PORTS} ports")
        yield from range(ends[0], ends[1] + 1)
    else:
        yield _port(text, udp=udp)


def _port(text: str, *, udp: bool) -> int:
    if text.isdecimal():
        number = int(text)
        if number > 65535:
            raise _wrong(f"port number too large: {text}")
        if number < 1:
            raise _wrong(f"port number too small: {text}")
        return number
    known = service_port(text, "udp" if udp else "tcp")
    if known is None:
        raise _wrong(f"port number invalid: {text}")
    return known


@dataclass
class Netcat:
    """One call of the command: the host it goes to, and what it has printed by now."""

    session: Session
    options: dict[str, str]
    host: str
    out: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self, ports: Sequence[int]) -> Output:
        """Try every port in turn, at each address; it went well if one of them did."""
        addresses = self._addresses(ports[0])
        reached = [any(self._try(to, port) for to in addresses) for port in ports]
        errors = "".join(f"{line}\n" for line in self.errors)
        return Output("".join(self.out), errors, 0 if any(reached) else 1)

    def _addresses(self, port: int) -> tuple[Address, ...]:
        family = 4 if "-4" in self.options else 6 if "-6" in self.options else None
        try:
            if "-n" in self.options and written_out(self.host) is None:
                raise UnresolvedError(UNKNOWN)
            return resolve(self.session, self.host, family)
        except UnresolvedError as error:
            place = f'getaddrinfo for host "{self.host}" port {port}'
            raise _wrong(f"{place}: {error}") from None

    @property
    def _udp(self) -> bool:
        return "-u" in self.options

    @property
    def _silent(self) -> bool:
        return "-v" not in self.options

    def _try(self, to: Address, port: int) -> bool:
        protocol = Protocol.UDP if self._udp else Protocol.TCP
        packet = self.session.network.first(self.session.host, to, protocol, port)
        if "-p" in self.options:
            packet = replace(packet, sport=_port(self.options["-p"], udp=self._udp))
        if "-s" in self.options:
            packet = replace(packet, src=self._source(to))
        if self._udp:
            return self._datagrams(packet)
        attempt = reach(self.session, packet, self._patience())
        if attempt.result is not Result.CONNECTED:
            self._failed(attempt, port)
            return False
        self._succeeded(port)
        if "-z" in self.options:
            close(self.session, attempt)
        elif self.session.stdin:
            self.out.append(talk(self.session, attempt, self.session.stdin).heard)
        return True

    def _datagrams(self, packet: Packet) -> bool:
        """UDP says nothing of who got it; only an error is a sign, and silence is none."""
        assert packet.dport is not None
        if not self._silent:
            for pause in _PROBES:
                self.session.network.wait(pause)
                attempt = self._datagram(packet, "X")
                if attempt.error in _NO_WAY:
                    self._failed(attempt, packet.dport)
                if attempt.result not in _NO_OBJECTION:
                    return False
            self._succeeded(packet.dport)
        if self.session.stdin and "-z" not in self.options:
            attempt = self._datagram(packet, self.session.stdin)
            if attempt.result is Result.CONNECTED and attempt.answer is not None:
                self.out.append((attempt.answer.payload or b"").decode())
            if attempt.result not in (Result.REFUSED, Result.PROHIBITED) and "-w" in self.options:
                self.session.network.wait(self._patience())
        return True

    def _datagram(self, packet: Packet, text: str) -> Attempt:
        return reach(self.session, replace(packet, payload=text.encode(), length=0))

    def _patience(self) -> float:
        text = self.options.get("-w", str(SYN_GIVEN_UP))
        if not text.isdecimal():
            raise _wrong(f"timeout invalid: {text}")
        return float(text)

    def _source(self, to: Address) -> Address:
        own = written_out(self.options["-s"])
        if own is None or own.version != to.version:
            raise _wrong(f"getaddrinfo: {UNKNOWN if own is None else WRONG_FAMILY}")
        if not self.session.machine.host.owns(own):
            raise _wrong("bind failed: Cannot assign requested address")
        return own

    # --- what is printed ---

    def _place(self, to: Address) -> str:
        return self.host if self.host == str(to) else f"{self.host} ({to})"

    def _succeeded(self, port: int) -> None:
        if self._silent:
            return
        protocol = "udp" if self._udp else "tcp"
        service = "*" if "-n" in self.options else service_name(port, protocol) or "*"
        to = self.session.attempts[-1].packet.dst
        said = f"port [{protocol}/{service}] succeeded!"
        self.errors.append(f"Connection to {self._place(to)} {port} {said}")

    def _failed(self, attempt: Attempt, port: int) -> None:
        if self._silent:
            return
        protocol = "udp" if self._udp else "tcp"
        place = f"nc: connect to {self._place(attempt.packet.dst)} port {port} ({protocol})"
        if attempt.result is Result.TIMED_OUT and "-w" in self.options:
            self.errors.append(f"{place} timed out: Operation now in progress")
        else:
            why = _ERRNO.get(attempt.error, _WHY[attempt.result])
            self.errors.append(f"{place} failed: {why}")
