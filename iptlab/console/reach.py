"""How commands reach other machines: names become addresses, packets are sent and kept."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from iptlab.console.command import Session
from iptlab.packet import Address, Packet, Protocol
from iptlab.simulate.network import Attempt, Result

# how long a command that reaches somebody takes besides its waiting, so that the clock moves on
MOMENT = 0.001
# resolv.conf(5): seconds for each question, and how often every server is asked
DNS_TIMEOUT = 5
_DNS_ATTEMPTS = 2
_DNS = 53
UNKNOWN = "Name or service not known"
NO_ANSWER = "Temporary failure in name resolution"
WRONG_FAMILY = "Address family for hostname not supported"


class UnresolvedError(Exception):
    """A name that leads nowhere; the text is what getaddrinfo(3) says of it."""


def reach(session: Session, packet: Packet, patience: float = 0) -> Attempt:
    """Send a first packet and await what comes of it; the attempt is kept."""
    attempt = session.network.attempt(session.host, packet, patience=patience)
    session.network.wait(MOMENT)
    session.attempts.append(attempt)
    return attempt


def talk(session: Session, opened: Attempt, said: str) -> Attempt:
    """Say something on the connection that was opened last; both sides close it then."""
    attempt = session.network.talk(session.host, opened, said)
    session.network.wait(MOMENT)
    session.attempts[-1] = attempt
    return attempt


def close(session: Session, opened: Attempt) -> None:
    """Close the connection that was opened last."""
    session.attempts[-1] = session.network.close(session.host, opened)
    session.network.wait(MOMENT)


# --- names ---


def resolve(session: Session, name: str, family: int | None = None) -> tuple[Address, ...]:
    """The addresses of a name, an address written out being its own.

    As on a real machine ``/etc/hosts`` comes first, then a question to the servers in
    ``/etc/resolv.conf``, which rules may stop on its way. Without that file all names are known.
    """
    own = written_out(name.strip("[]"))
    if own is not None:
        if family not in (None, own.version):
            raise UnresolvedError(WRONG_FAMILY)
        return (own,)
    local = tuple(address for address, names in hosts(session) if name in names)
    found = local or tuple(map(ip_address, _asked(session, name)))
    fitting = [one for one in found if family in (None, one.version)]
    if not fitting:
        raise UnresolvedError(UNKNOWN)
    six = any(one.version == 6 for one in _own(session))
    return tuple(sorted(fitting, key=lambda one: (one.version == 6) != six))


def written_out(text: str) -> Address | None:
    """The address that a text is; None if it is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _own(session: Session) -> Iterator[Address]:
    """The machine's addresses that others may know."""
    for interface in session.machine.host.interfaces:
        yield from (one.ip for one in interface.addresses if not one.ip.is_link_local)


def hosts(session: Session) -> Iterator[tuple[Address, tuple[str, ...]]]:
    """The lines of ``/etc/hosts``, and localhost."""
    for line in session.box.files.get("/etc/hosts", "").splitlines():
        first, *names = line.partition("#")[0].split() or [""]
        address = written_out(first)
        if names and address is not None:
            yield address, tuple(names)
    yield ip_address("127.0.0.1"), ("localhost",)


def name_of(session: Session, address: Address) -> str:
    """The name of an address; the address itself if it has none."""
    known = [*hosts(session)]
    known += [(ip_address(a), (name,)) for name, own in session.names.items() for a in own]
    return next((names[0] for own, names in known if own == address), str(address))


def servers(session: Session) -> tuple[str, ...] | None:
    """The name servers of ``/etc/resolv.conf``; None without that file."""
    text = session.box.files.get("/etc/resolv.conf")
    if text is None:
        return None
    lines = (line.split() for line in text.splitlines())
    given = (words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")
    named = tuple(one for one in given if written_out(one) is not None)
    return named or ("127.0.0.1",)


def ask(session: Session, server: str, patience: float = DNS_TIMEOUT) -> Attempt:
    """Send a question to a name server."""
    packet = session.network.first(session.host, ip_address(server), Protocol.UDP, _DNS)
    return reach(session, packet, patience)


def _asked(session: Session, name: str) -> tuple[str, ...]:
    known = session.names.get(name.rstrip("."), ())
    named = servers(session)
    if named is None:
        return known
    for server in named * _DNS_ATTEMPTS:
        if ask(session, server).result is Result.CONNECTED:
            return known
    raise UnresolvedError(NO_ANSWER)
