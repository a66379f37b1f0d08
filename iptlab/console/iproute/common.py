"""What the objects of ``ip`` share: reading words, looking for interfaces, breaking off.

Source: iproute2 6.1, lib/utils.c and ip/ip.c; the kernel's own refusals as Linux 6.18 words them
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from iptlab.console.command import Output, Session
from iptlab.console.complaint import ComplaintError, NotModelledError
from iptlab.packet import Address, Family
from iptlab.simulate.host import Host, Interface
from iptlab.simulate.routing import Network

_VERBOSE = {None: "any valid", 4: "inet", 6: "inet6"}
_EVERYWHERE = {Family.IPV4: ip_network("0.0.0.0/0"), Family.IPV6: ip_network("::/0")}


@dataclass
class Call:
    """One call of ``ip``: its session, its options, and the words that are still to be read."""

    session: Session
    words: list[str]
    family: int | None = None
    brief: bool = False
    oneline: bool = False

    @property
    def host(self) -> Host:
        """The host as it is configured now."""
        return self.session.machine.host

    def configure(self, **changes: object) -> Output:
        """Change the host; that prints nothing."""
        self.session.machine.configure(replace(self.host, **changes))  # type: ignore[arg-type]
        return Output()

    # --- words ---

    def next(self) -> str:
        """The next word."""
        return self.words.pop(0)

    def value(self) -> str:
        """The word after an option."""
        if not self.words:
            raise ComplaintError('Command line is not complete. Try option "help"', 255)
        return self.words.pop(0)

    def refuse(self, what: str, instead: str = "") -> NotModelledError:
        """What cannot be done here."""
        return NotModelledError("ip", what, instead)

    # --- interfaces ---

    def device(self, name: str) -> Interface:
        """The interface that something is done with."""
        if name not in self.host.by_name:
            raise ComplaintError(f'Cannot find device "{name}"')
        return self.host.by_name[name]

    def shown(self, name: str) -> Interface:
        """The interface that is asked about."""
        if name not in self.host.by_name:
            raise ComplaintError(f'Device "{name}" does not exist.')
        return self.host.by_name[name]

    def change(self, interface: Interface, **changes: object) -> Output:
        """Put an interface in the place of the one of its name, and change the host besides."""
        own = self.host.interfaces
        if interface.name not in [one.name for one in own]:
            own = (interface, *own)  # the loopback, which is there without being named
        after = tuple(interface if one.name == interface.name else one for one in own)
        return self.configure(interfaces=after, **changes)


Command = Callable[[Call], Output]


def subcommand(word: str, known: Mapping[str, Command], thing: str) -> Command:
    """The command that a word stands for: the first that begins with it."""
    for names, command in known.items():
        if any(name.startswith(word) for name in names.split("|")):
            return command
    raise ComplaintError(f'Command "{word}" is unknown, try "ip {thing} help".', 255)


def indexed(host: Host) -> Iterable[tuple[int, Interface]]:
    """The interfaces with their numbers."""
    return enumerate(host.by_name.values(), start=1)


# --- breaking off ---


def netlink(text: str) -> ComplaintError:
    """What the kernel answers with a number alone."""
    return ComplaintError(f"RTNETLINK answers: {text}", 2)


def kernel(text: str) -> ComplaintError:
    """What the kernel answers with a sentence."""
    return ComplaintError(f"Error: {text}", 2)


def invalid(word: str, text: str) -> ComplaintError:
    """A word that is wrong after an option."""
    return ComplaintError(f'Error: argument "{word}" is wrong: {text}\n', 255)


def garbage(word: str, after: str) -> ComplaintError:
    """A word that nothing asked for."""
    return ComplaintError(f'Error: either "{after}" is duplicate, or "{word}" is a garbage.', 255)


# --- addresses ---


def prefix(word: str, family: int | None, *, strict: bool = False) -> Network:
    """A network; one that is cut short, like ``10/8``, is filled up with zeros.

    If it is ``strict``, an IPv4 address inside the network does not stand for it.
    """
    if word in ("default", "any", "all"):
        return _EVERYWHERE[Family(family or 4)]
    address, slash, length = word.partition("/")
    if address.count(".") < 3 and ":" not in address:
        address += ".0" * (3 - address.count("."))
    try:
        found = ip_network(f"{address}{slash}{length}", strict=False)
    except ValueError:
        found = None
    if found is None or family not in (None, found.version):
        raise _expected("prefix", word, family)
    if strict and found.version == 4 and ip_address(address) != found.network_address:
        raise kernel("Invalid prefix for given prefix length.")
    return found


def address(word: str, family: int | None) -> Address:
    """An address of that family."""
    try:
        found = ip_address(word)
    except ValueError:
        found = None
    if found is None or family not in (None, found.version):
        raise _expected("address", word, family)
    return found


def _expected(what: str, word: str, family: int | None) -> ComplaintError:
    kind = _VERBOSE[family]
    return ComplaintError(f'Error: {kind} {what} is expected rather than "{word}".')
