"""What runs inside the namespaces: it builds a network, and runs commands on its machines.

It is given everything at once on its standard input, answers once, and with it all of it ends:
``real_network`` starts it in namespaces of its own, from which no other network is reached.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import pty
import select
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
# the longest that a command may take
_SECONDS = 20
_CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
# FIN_WAIT1, CLOSE_WAIT, LAST_ACK, CLOSING; include/net/tcp_states.h
_CLOSING = ("04", "08", "09", "0B")
_LIBC = ctypes.CDLL(None, use_errno=True)


class UnavailableError(Exception):
    """The machine does not let us do it; the text says what."""


# --- the network ---

# What belongs to a test and not to the network: ports begin where ours do, every error is sent,
# an address is used at once, and groups are joined before anybody counts packets.
_SWITCHES = {
    "ipv4/icmp_ratelimit": 0,
    "ipv4/icmp_ratemask": 0,
    "ipv6/icmp/ratelimit": 0,
    "ipv4/ip_local_port_range": "40000 60999",
    "ipv6/conf/default/addr_gen_mode": 1,
    "ipv6/mld_qrv": 1,
    "ipv6/conf/default/mldv2_unsolicited_report_interval": 1,
    "ipv6/conf/all/accept_dad": 0,
    "ipv6/conf/default/accept_dad": 0,
    "bridge/bridge-nf-call-iptables": 0,
    "bridge/bridge-nf-call-ip6tables": 0,
}
# names come from /etc/hosts alone
_NAMES = {
    "hosts": "",
    "nsswitch.conf": "hosts: files\nnetworks: files\n",
}


def _run(line: str, text: str = "") -> str:
    """What one of our own command lines prints; it must not fail."""
    ran = subprocess.run(line.split(), input=text, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise UnavailableError(f"{line}: {ran.stderr.strip()}".replace("\n", "; "))
    return ran.stdout


def _into(machine: str) -> None:
    """Move this thread, and what it starts, into the machine's namespace."""
    place = os.open(f"/run/netns/{machine}", os.O_RDONLY)
    if _LIBC.setns(place, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns {machine}")
    os.close(place)


def _build(network: Json) -> None:
    """Make the namespaces, plug them into each other and configure each."""
    _run("mount -t tmpfs none /run")  # names of namespaces, the lock of iptables: gone with us
    _make_files()
    machines = network["machines"]
    _run("ip -batch -", "".join(f"netns add {name}\n" for name in ("switches", *machines)))
    for name in (*machines, "switches"):
        _into(name)
        _switch(_SWITCHES)
    # wires first: while they are made, no switch may have the number of one of their ends
    for number, plugs in enumerate(sorted(network["links"], key=len)):
        _plug(number, plugs)
    for name, machine in machines.items():
        Path(f"/run/home/{name}").mkdir(parents=True)
        _into(name)
        _switch(machine["switches"])
        _run("ip -batch -", "\n".join(machine["ip"]))
        for tool, rules in machine["rules"].items():
            _run(f"/run/bin/{tool}-restore", rules)
    for name in machines:
        _await_links(name)


def _make_files() -> None:
    """Put the legacy tools where they are found first, and name machines our way."""
    tools = Path("/run/bin")
    tools.mkdir()
    for family in ("iptables", "ip6tables"):
        for verb in ("", "-save", "-restore"):
            (tools / f"{family}{verb}").symlink_to(f"/usr/sbin/{family}-legacy{verb}")
    for name, text in _NAMES.items():
        ours = Path("/run") / name
        ours.write_text(text)
        _run(f"mount --bind {ours} /etc/{name}")


def _switch(switches: Json) -> None:
    """Set switches in the namespace of this thread, as far as its kernel has them."""
    for path, value in switches.items():
        file = Path("/proc/sys/net") / path
        if file.exists():
            file.write_text(str(value))


def _plug(number: int, plugs: list[tuple[str, str, int]]) -> None:
    """Join machines: two by a wire, others by a bridge in the namespace of this thread."""
    ends = [f"name {card} index {n} netns {machine}" for machine, card, n in plugs]
    if len(ends) == 2:
        _run(f"ip link add {ends[0]} type veth peer {ends[1]}")
        return
    switch = f"switch{number}"
    lines = [f"link add name {switch} up type bridge forward_delay 0 mcast_snooping 0"]
    for n, end in enumerate(ends):
        lines.append(f"link add name {switch}-{n} up type veth peer {end}")
        lines.append(f"link set {switch}-{n} master {switch}")
    _run("ip -batch -", "\n".join(lines))


def _await_links(machine: str) -> None:
    """Wait until the kernel has noticed that every wire is plugged in at both ends."""
    deadline = time.monotonic() + _SECONDS
    while "NO-CARRIER" in _run(f"ip -n {machine} link") and time.monotonic() < deadline:
        time.sleep(0.01)


# --- listeners ---


def _listen(listeners: list[Json]) -> None:
    """Start a server for each listener; it ends with this process."""
    for one in listeners:
        _into(one["machine"])
        kind = socket.SOCK_DGRAM if one["udp"] else socket.SOCK_STREAM
        server = socket.socket(socket.AF_INET6, kind)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("::", one["port"]))
        if not one["udp"]:
            server.listen(socket.SOMAXCONN)
        serve = _datagrams if one["udp"] else _connections
        threading.Thread(target=serve, args=(server, one["says"].encode()), daemon=True).start()


def _datagrams(server: socket.socket, says: bytes) -> None:
    while True:
        _, client = server.recvfrom(4096)
        server.sendto(says, client)


def _connections(server: socket.socket, says: bytes) -> None:
    while True:
        taken, _ = server.accept()
        threading.Thread(target=_converse, args=(taken, says), daemon=True).start()


def _converse(taken: socket.socket, says: bytes) -> None:
    """Answer one HTTP request, as far as there is one."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(says)}\r\nConnection: close\r\n\r\n"
    with taken:
        try:
            if taken.recv(4096):
                taken.sendall(head.encode() + says)
        except OSError:
            pass  # the client is gone, which is nothing to us


def _settle(machines: set[str]) -> None:
    """Wait until servers have closed what their clients have, as they do on a machine at leisure.

    What rules keep from being closed is not waited for any longer than half a second.
    """
    deadline = time.monotonic() + 0.5
    for machine in machines:
        _into(machine)
        while _half_closed() and time.monotonic() < deadline:
            time.sleep(0.005)


def _half_closed() -> bool:
    """Whether a connection of the namespace of this thread is being closed."""
    lines = Path("/proc/self/net/tcp6").read_text().splitlines()[1:]
    return any(line.split()[3] in _CLOSING for line in lines)


# --- commands ---


def _command(machine: str, line: str) -> tuple[str, int]:
    """Run a command line as somebody at a terminal of that machine."""
    terminal, end = pty.openpty()
    attributes = termios.tcgetattr(end)
    attributes[1] &= ~termios.OPOST  # a line ends in \n alone
    termios.tcsetattr(end, termios.TCSANOW, attributes)
    process = subprocess.Popen(
        ["bash", "-c", line],
        stdin=subprocess.DEVNULL,
        stdout=end,
        stderr=end,
        cwd=f"/run/home/{machine}",
        env={"PATH": "/run/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,
    )
    os.close(end)
    text = b"".join(_read(terminal))
    os.close(terminal)
    return text.decode(errors="replace"), process.wait(_SECONDS)


def _read(terminal: int) -> Iterator[bytes]:
    """What comes out of a terminal until nobody is there to write."""
    while select.select([terminal], [], [], _SECONDS)[0]:
        try:
            yield os.read(terminal, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return
    raise UnavailableError(f"a command printed nothing for {_SECONDS} s and did not end")


def main() -> None:
    """Build a network, run commands on its machines, print what they answered."""
    request = json.load(sys.stdin)
    try:
        _build(request["network"])
        _listen(request["network"]["listeners"])
        found = []
        for machine, line in request["commands"]:
            _into(machine)
            Path("/run/hosts").write_text(request["network"]["machines"][machine]["names"])
            found.append(_command(machine, line))
            _settle({one["machine"] for one in request["network"]["listeners"]})
    except (UnavailableError, OSError) as error:
        sys.exit(str(error))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
