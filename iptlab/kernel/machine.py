"""How a machine is made in an empty network namespace: interfaces, addresses, switches."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STEP_SECONDS = 20

# include/uapi/linux/if_tun.h
_TUNSETIFF, _TAP, _NO_PACKET_INFORMATION = 0x400454CA, 0x2, 0x1000

# the lock of iptables is a file of the namespace's own, whatever our environment says
_OWN = {"XTABLES_LOCKFILE": "/run/xtables.lock"}

# no limit to the ICMP errors that the machine sends
SETTINGS: dict[str, Any] = {
    "ipv4/icmp_ratelimit": 0,
    "ipv4/icmp_ratemask": 0,
    "ipv4/icmp_msgs_per_sec": 1000000,
    "ipv4/icmp_msgs_burst": 1000000,
    "ipv6/icmp/ratelimit": 0,
    "ipv4/ip_default_ttl": 64,
}


class UnavailableError(Exception):
    """The machine does not let us do it; the text says what."""


def run(argv: list[str], text: str = "", *, refusal: bool = False) -> tuple[int, str, str]:
    """Exit status and output of one tool; no shell stands between."""
    try:
        ran = subprocess.run(
            argv,
            input=text.encode(),
            capture_output=True,
            timeout=STEP_SECONDS,
            check=False,
            env=os.environ | _OWN,
        )
    except FileNotFoundError:
        raise UnavailableError(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{argv[0]} did not end within {STEP_SECONDS} s") from None
    if ran.returncode and not refusal:
        raise UnavailableError(f"{' '.join(argv)}: {ran.stderr.decode(errors='replace').strip()}")
    output, errors = (text.decode(errors="replace") for text in (ran.stdout, ran.stderr))
    return ran.returncode, output, errors


def make_tap(name: str) -> int:
    """A network interface whose other end is a file: Ethernet frames are read and written."""
    try:
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        wish = struct.pack("16sH22x", name.encode(), _TAP | _NO_PACKET_INFORMATION)
        fcntl.ioctl(tap, _TUNSETIFF, wish)
    except OSError as error:
        raise UnavailableError(f"/dev/net/tun makes no interface: {error.strerror}") from None
    return tap


def addresses(machine: dict[str, Any], macs: dict[str, str]) -> Iterator[str]:
    """Commands for ``ip -batch``: no link-local addresses, and every neighbour is known."""
    yield "link set lo up"
    for link in machine["links"]:
        name = link["name"]
        yield f"link set dev {name} address {macs[name]}01 arp off addrgenmode none"
        yield f"link set dev {name} up"
        for address in link.get("addrs", ()):
            broadcast = "" if address.endswith("/32") else " broadcast +"
            yield f"addr add {address}{broadcast} dev {name}"
        for address in link.get("addrs6", ()):
            yield f"addr add {address} dev {name} nodad"


def routes(machine: dict[str, Any], suffix: str) -> Iterator[str]:
    """Commands for ``ip -batch`` or, with suffix ``6``, ``ip -6 -batch``."""
    yield from (f"route add {words}" for words in machine.get(f"routes{suffix}", ()))
    yield from (f"rule add {words}" for words in machine.get(f"rules{suffix}", ()))


def per_link(names: dict[str, int]) -> dict[str, Any]:
    """Switches that a new namespace would inherit from the machine's own."""
    wanted = {"rp_filter": 0, "send_redirects": 0, "accept_redirects": 0, "accept_local": 0}
    wanted |= {"accept_source_route": 0, "log_martians": 0, "route_localnet": 0}
    places = ("all", "default", "lo", *names)
    return {
        f"ipv4/conf/{place}/{name}": value for place in places for name, value in wanted.items()
    }


def set_switch(path: str, value: object) -> None:
    """Set one switch below /proc/sys/net, if this kernel has it."""
    file = Path("/proc/sys/net") / path
    try:
        file.write_text(str(value))
    except FileNotFoundError:
        pass  # a switch that this kernel does not have
    except OSError as error:
        raise UnavailableError(f"{file} cannot be set: {error.strerror}") from None
