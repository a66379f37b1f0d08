"""``ping``: whether somebody answers, and who says why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from getopt import GetoptError, gnu_getopt

from iptlab.console.command import Output, Session, register_command
from iptlab.console.complaint import ComplaintError, NotModelledError, complaining
from iptlab.console.reach import WRONG_FAMILY, UnresolvedError, name_of, reach, resolve, written_out
from iptlab.packet import Address, IcmpType, Packet, Protocol
from iptlab.simulate.conversation import NEIGHBOUR_GIVEN_UP
from iptlab.simulate.network import Attempt
from iptlab.simulate.routing import Kind

# what a packet took: every one the same, as nothing here takes time
_MS = "0.045"
# seconds that are waited for the last answer; iputils: ping/ping.h (MAXWAIT)
_LINGER = 10.0
_COUNT = 4
_MOST = 10_000
_HEADERS = {4: 28, 6: 48}
# iputils: ping/ping.c (pr_icmph)
_IPV4 = {
    IcmpType(3, 0): "Destination Net Unreachable",
    IcmpType(3, 1): "Destination Host Unreachable",
    IcmpType(3, 2): "Destination Protocol Unreachable",
    IcmpType(3, 3): "Destination Port Unreachable",
    IcmpType(3, 4): "Frag needed and DF set (mtu = {mtu})",
    IcmpType(3, 9): "Destination Net Prohibited",
    IcmpType(3, 10): "Destination Host Prohibited",
    IcmpType(3, 13): "Packet filtered",
    IcmpType(11, 0): "Time to live exceeded",
}
# iputils: ping/ping6_common.c (print_icmp)
_IPV6 = {
    IcmpType(1, 0): "Destination unreachable: No route",
    IcmpType(1, 1): "Destination unreachable: Administratively prohibited",
    IcmpType(1, 3): "Destination unreachable: Address unreachable",
    IcmpType(1, 4): "Destination unreachable: Port unreachable",
    IcmpType(1, 5): "Destination unreachable: Unknown code 5",
    IcmpType(1, 6): "Destination unreachable: Unknown code 6",
    IcmpType(2, 0): "Packet too big: mtu={mtu}",
    IcmpType(3, 0): "Time exceeded: Hop limit",
}
_SAID = {4: _IPV4, 6: _IPV6}
_BROADCAST = "Do you want to ping broadcast? Then -b. If not, check your local firewall rules"
_CONNECT = {
    "ENETUNREACH": "connect: Network is unreachable",
    "EHOSTUNREACH": "connect: No route to host",
    "EINVAL": "connect: Invalid argument",
    "EACCES": _BROADCAST,
}


def _wrong(text: str, status: int = 2) -> ComplaintError:
    return ComplaintError(f"ping: {text}", status)


@dataclass(frozen=True)
class Options:
    """What was asked for: how many, how often, how long to wait, how large."""

    count: int = _COUNT
    interval: float = 1.0
    linger: float = _LINGER
    deadline: float | None = None
    size: int = 56
    ttl: int = 64
    family: int | None = None
    source: str = ""
    quiet: bool = False
    numeric: bool = False

    @classmethod
    def parse(cls, given: Sequence[tuple[str, str]]) -> Options:
        """The options as getopt found them."""
        options = cls()
        for name, value in given:
            match name:
                case "-c":
                    options = replace(options, count=_count(value))
                case "-i":
                    options = replace(options, interval=_number(value, 0.002, 3600))
                case "-W":
                    options = replace(options, linger=_number(value, 0, 3600))
                case "-w":
                    options = replace(options, deadline=_number(value, 1, 3600))
                case "-s":
                    options = replace(options, size=int(_number(value, 0, 65507)))
                case "-t":
                    options = replace(options, ttl=int(_number(value, 1, 255)))
                case "-4" | "-6":
                    options = replace(options, family=int(name[1]))
                case "-I":
                    options = replace(options, source=value)
                case "-q":
                    options = replace(options, quiet=True)
                case "-n":
                    options = replace(options, numeric=True)
        return options


def _count(text: str) -> int:
    number = int(_number(text, 1, 2**63 - 1))
    if number > _MOST:
        raise NotModelledError("ping", f"a number of pings above {_MOST}")
    return number


def _number(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _wrong(f"invalid argument: '{text}'", 1) from None
    if not least <= number <= most:
        span = f"{least} <= value <= {most}"
        raise _wrong(f"invalid argument: '{text}': out of range: {span}", 1)
    return number


@register_command("ping")
@complaining
def ping(session: Session, words: Sequence[str]) -> Output:
    """Send echo requests: 4 of them without ``-c``, as nobody can press Ctrl-C here.

    Simplified: the times of packets are made up and always the same.
    """
    if words[1:] == ["-V"]:
        return Output("ping from iputils 20221126\n")
    try:
        given, names = gnu_getopt(list(words[1:]), "46bc:i:I:nqs:t:w:W:")
    except GetoptError as error:
        if "requires argument" in error.msg:
            raise _wrong(f"option requires an argument -- '{error.opt}'") from None
        what = f"the option -{error.opt}"
        raise NotModelledError("ping", what, "Known: -4 -6 -c -i -I -n -q -s -t -w -W") from None
    options = Options.parse(given)
    if options.deadline is not None and options.deadline > _MOST * options.interval:
        raise NotModelledError("ping", f"a number of pings above {_MOST}")
    if not names:
        raise _wrong("usage error: Destination address required", 1)
    try:
        to = resolve(session, names[0], options.family)[0]
    except UnresolvedError as error:
        raise _wrong(f"{names[0]}: {error}") from None
    return Ping(session, options, names[0], to).run()


@dataclass
class Ping:
    """One call of the command: what it sends, and what it has seen by now."""

    session: Session
    options: Options
    name: str
    to: Address
    sent: int = 0
    received: int = 0
    errors: int = 0
    late: int = 0
    out: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def run(self) -> Output:
        """Send as many as are wanted, one every interval, and sum up."""
        options = self.options
        first = self._first()
        self.out.append(self._announced(first))
        for seq in self._turns():
            attempt = reach(self.session, replace(first, echo_seq=seq))
            if not self.sent and (said := _CONNECT.get(attempt.error)):
                raise _wrong(said)
            self.sent += 1
            self._note(seq, attempt)
        if self.received + self.errors < self.sent and options.deadline is None:
            self.session.network.wait(options.linger)
        elif self.late:
            self.session.network.wait(NEIGHBOUR_GIVEN_UP)
        complaints = "".join(f"{line}\n" for line in self.complaints)
        body = "".join(f"{line}\n" for line in (*self.out, *self._statistics()))
        return Output(body, complaints, 0 if self.received else 1)

    def _turns(self) -> Iterator[int]:
        """The numbers of the packets, after the interval that each has to wait."""
        options = self.options
        seq = 0
        while True:
            seq += 1
            yield seq
            if options.deadline is None and seq == options.count:
                return
            over = options.deadline is not None and seq * options.interval >= options.deadline
            if over or self.received + self.errors >= options.count:
                return
            self.session.network.wait(options.interval)

    def _first(self) -> Packet:
        protocol = Protocol.ICMP if self.to.version == 4 else Protocol.ICMPV6
        host = self.session.machine.host
        route = host.route_out(Packet(self.to, self.to, protocol))
        if route is not None and route.kind is Kind.BROADCAST:
            raise _wrong(_BROADCAST)
        packet = self.session.network.first(self.session.host, self.to, protocol, 0)
        packet = replace(packet, length=_HEADERS[self.to.version] + self.options.size)
        packet = replace(packet, ttl=self.options.ttl, df=packet.length <= 1500)
        source = self.options.source
        if not source:
            return packet
        if source in host.by_name:
            if route is not None and route.interface != source:
                raise NotModelledError("ping", f"a way out other than {route.interface}")
            return packet
        own = written_out(source)
        if own is None:
            raise _wrong(f"SO_BINDTODEVICE {source}: No such device")
        if own.version != self.to.version:
            raise _wrong(f"{source}: {WRONG_FAMILY}")
        if not host.owns(own):
            raise _wrong("bind: Cannot assign requested address")
        return replace(packet, src=own)

    def _announced(self, first: Packet) -> str:
        """The first line."""
        size, source = self.options.size, self.options.source
        named = source in self.session.machine.host.by_name
        if self.to.version == 6:
            place = f" from {first.src}{f' {source}' if named else ' '}:" if source else ""
            return f"PING {self.name}({self._named(self.to)}){place} {size} data bytes"
        place = f"from {first.src} {source * named}: " if source else ""
        return f"PING {self.name} ({self.to}) {place}{size}({size + 28}) bytes of data."

    def _note(self, seq: int, attempt: Attempt) -> None:
        """A line about what came back, if something did and somebody still waits."""
        got = attempt.answer
        if got is None:
            return
        who = self._named(got.src)
        if attempt.server:
            self.received += 1
            size = self.options.size + 8
            line = f"{size} bytes from {who}: icmp_seq={seq} ttl={got.ttl} time={_MS} ms"
        else:
            if attempt.trips[0].lost and not self._awaits(seq):
                return
            self.errors += 1
            self.late += bool(attempt.trips[0].lost)
            assert got.icmp is not None
            said = _SAID[self.to.version].get(got.icmp, f"ICMP type {got.icmp}")
            line = f"From {who} icmp_seq={seq} {said.format(mtu=got.mtu)}"
        if attempt.error:
            self.complaints.append("ping: sendmsg: Operation not permitted")
        if not self.options.quiet:
            self.out.append(line)

    def _awaits(self, seq: int) -> bool:
        """Whether ping still runs when a neighbour is given up."""
        options = self.options
        if options.deadline is not None:
            return options.deadline - (seq - 1) * options.interval > NEIGHBOUR_GIVEN_UP
        left = (options.count - seq) * options.interval + options.linger
        return left > NEIGHBOUR_GIVEN_UP

    def _named(self, address: Address) -> str:
        if self.options.numeric or self.name == str(self.to):
            return str(address)
        return f"{name_of(self.session, address)} ({address})"

    def _statistics(self) -> Iterator[str]:
        lost = 100 * (self.sent - self.received) / self.sent
        took = round((self.sent - 1) * (self.options.interval * 1000 + 1))
        errors = f"+{self.errors} errors, " if self.errors else ""
        yield ""
        yield f"--- {self.name} ping statistics ---"
        yield (
            f"{self.sent} packets transmitted, {self.received} received, "
            f"{errors}{lost:g}% packet loss, time {took}ms"
        )
        if self.received:
            yield f"rtt min/avg/max/mdev = {_MS}/{_MS}/{_MS}/0.000 ms"
        elif self.late > 1 and self.to.version == 4:
            yield f"pipe {min(self.late, 4)}"
        else:
            yield ""
