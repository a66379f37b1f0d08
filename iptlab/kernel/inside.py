"""What runs inside the namespace: a process that owns it, and with which it ends.

It reads one request a line from its standard input and answers each with one line, both
JSON. When the input ends, because whoever started it closed it or died, it ends too, and
with it the namespace and all that was in it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iptlab.kernel.frames import build
from iptlab.kernel.netlink import Connections, Listener, rule_handles
from iptlab.kernel.probes import PROBE_GROUP, PROBES, TRACE_GROUP

_LIBC = ctypes.CDLL(None, use_errno=True)
# include/uapi/linux/sched.h, mount.h, if_tun.h, in6.h
_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_TUNSETIFF, _TAP, _NO_PACKET_INFORMATION = 0x400454CA, 0x2, 0x1000
_IPV6_HDRINCL = 36
_SO_MARK = 36

STEP_SECONDS = 20


class UnavailableError(Exception):
    """The machine does not let us do it; the text says what."""


def _checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise UnavailableError(f"{what}: {os.strerror(code)}")


def enter(parent_namespace: int) -> None:
    """Leave the machine's network for one of our own, where nothing is yet."""
    uid, gid, flags = os.geteuid(), os.getegid(), _NEWNS | _NEWNET
    # root may do so by itself, unless in a container; everyone else as root of its own users
    if uid != 0 or _LIBC.unshare(flags) != 0:
        _checked(_LIBC.unshare(flags | _NEWUSER), "the system refuses a network namespace")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    if os.stat("/proc/self/ns/net").st_ino == parent_namespace:
        raise UnavailableError("the process is still in the machine's own network")
    private = _LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _checked(private, "the system refuses a private view of the file system")
    # the lock file of iptables, of which nothing remains afterwards
    _checked(_LIBC.mount(b"none", b"/run", b"tmpfs", 0, None), "the system refuses a private /run")


def run(argv: list[str], text: str = "", *, refusal: bool = False) -> tuple[int, str, str]:
    """Exit status and output of one tool; no shell stands between."""
    try:
        ran = subprocess.run(
            argv, input=text.encode(), capture_output=True, timeout=STEP_SECONDS, check=False
        )
    except FileNotFoundError:
        raise UnavailableError(f"{argv[0]} is not installed") from None
    if ran.returncode and not refusal:
        raise UnavailableError(f"{' '.join(argv)}: {ran.stderr.decode(errors='replace').strip()}")
    return (
        ran.returncode,
        ran.stdout.decode(errors="replace"),
        ran.stderr.decode(errors="replace"),
    )


class KernelLog:
    """The lines that LOG rules write, on machines where we may read and allow them.

    Only the machine's own network namespace may log, unless one switch allows all of
    them: it is ours while we hold its lock, and afterwards as it was.
    """

    _SWITCH = "/proc/sys/net/netfilter/nf_log_all_netns"

    def __init__(self) -> None:
        self._switch = os.open(self._SWITCH, os.O_RDWR)
        deadline = time.monotonic() + 60
        while True:
            try:
                fcntl.flock(self._switch, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UnavailableError("another process reads the kernel's log") from None
                time.sleep(0.05)
        self._before = os.pread(self._switch, 8, 0)
        os.pwrite(self._switch, b"1", 0)
        self._log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._log, 0, os.SEEK_END)

    def lines(self) -> Iterator[str]:
        """What LOG rules wrote since the last call."""
        while True:
            try:
                record = os.read(self._log, 8192).decode(errors="replace")
            except BlockingIOError:
                return
            except BrokenPipeError:
                continue  # old records were overwritten meanwhile
            text = record.partition(";")[2].partition("\n")[0]
            if "IN=" in text and "OUT=" in text:
                yield text.rstrip()

    def close(self) -> None:
        """Set the switch back to what it was."""
        os.pwrite(self._switch, self._before, 0)
        os.close(self._switch)
        os.close(self._log)


class Box:
    """A machine inside the namespace: its links, its rules, and what is to be seen of it."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.family: int = request["family"]
        self.backend: str = request["backend"]
        machine = request["machine"]
        self.links: dict[str, int] = {link["name"]: 0 for link in machine["links"]}
        self.macs = {name: f"02:00:00:00:{n:02x}:" for n, name in enumerate(self.links, 1)}
        run(["nft", "-f", "-"], PROBES)
        for name in self.links:
            self.links[name] = _tap(name)
        run(["ip", "-batch", "-"], "\n".join(_addresses(machine, self.macs)))
        for path, value in (_SETTINGS | _per_link(self.links) | request["sysctl"]).items():
            _set(path, value)
        run(["ip", "-batch", "-"], "\n".join(_routes(machine, "")))
        run(["ip", "-6", "-batch", "-"], "\n".join(_routes(machine, "6")))
        self.listener = Listener((TRACE_GROUP, PROBE_GROUP))
        self.connections = Connections(self.family)
        _set(f"netfilter/nf_log/{2 if self.family == 4 else 10}", "nfnetlink_log")
        self._senders: dict[tuple[int, int, int], socket.socket] = {}

    def tool(self, verb: str) -> str:
        """The name of one of iptables' programs for our family and back end."""
        return f"{'iptables' if self.family == 4 else 'ip6tables'}-{self.backend}{verb}"

    def load(self, rules: str, ipsets: str) -> dict[str, Any]:
        """Load the sets and the rules; what iptables-save makes of them, or the refusal."""
        status, errors = 0, ""
        if ipsets:
            status, _, errors = run(["ipset", "restore"], ipsets, refusal=True)
        if not status:
            status, _, errors = run([self.tool("-restore")], rules, refusal=True)
        known = rule_handles(self.family).items() if self.backend == "nft" else ()
        handles = [(table, chain, numbers) for (table, chain), numbers in known]
        return {"status": status, "stderr": errors, "saved": self.saved(), "handles": handles}

    def saved(self) -> str:
        """All rules with their counters."""
        return run([self.tool("-save"), "-c"])[1]

    def listed(self, tables: list[str]) -> dict[str, str]:
        """The rules as iptables lists them."""
        words = ["-L", "-n", "-v", "--line-numbers"]
        return {table: run([self.tool(""), "-t", table, *words])[1] for table in tables}

    def send(self, packet: dict[str, Any], log: KernelLog | None) -> dict[str, Any]:
        """Send one packet and say everything that is to be seen of it."""
        error = None
        if packet["inject"] == "local":
            error = self._send_as_process(packet)
        else:
            os.write(self.links[packet["inject"]], self._frame(packet))
        sightings = list(self.listener.heard())
        return {
            "send_error": error,
            "sightings": sightings + list(self.listener.heard()),
            "frames": list(self._frames()),
            "saved": self.saved(),
            "conntrack": self.connections.entries(),
            "log": list(log.lines()) if log else None,
        }

    def _frame(self, packet: dict[str, Any]) -> bytes:
        data, mac = build(packet), self.macs[packet["inject"]]
        target = {
            "unicast": mac + "01",
            "broadcast": "ff:ff:ff:ff:ff:ff",
            "multicast": _multicast_mac(packet),
            "otherhost": mac + "77",
        }[packet.get("link", "unicast")]
        addresses = target + ":" + packet.get("smac", mac + "fe")
        kind = b"\x08\x00" if packet["ip"] == 4 else b"\x86\xdd"
        return bytes.fromhex(addresses.replace(":", "")) + kind + data

    def _frames(self) -> Iterator[tuple[str, str]]:
        for name, link in self.links.items():
            while True:
                try:
                    yield name, os.read(link, 65536)[14:].hex()
                except BlockingIOError:
                    break

    def _send_as_process(self, packet: dict[str, Any]) -> str | None:
        owner = packet.get("uid", 0), packet.get("gid", 0), packet.get("mark", 0)
        if owner not in self._senders:
            self._senders[owner] = _raw_socket(self.family, *owner)
        place = (packet["dst"], 0)
        try:
            self._senders[owner].sendto(build(packet), place)
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return None


def _multicast_mac(packet: dict[str, Any]) -> str:
    if packet["ip"] == 4:
        low = socket.inet_aton(packet["dst"])[1:]
        return f"01:00:5e:{low[0] & 0x7F:02x}:{low[1]:02x}:{low[2]:02x}"
    return "33:33:" + socket.inet_pton(socket.AF_INET6, packet["dst"])[12:].hex(":")


def _raw_socket(family: int, uid: int, gid: int, mark: int) -> socket.socket:
    """A socket for whole packets whose owner, for the kernel, is ``uid`` and ``gid``."""
    _LIBC.setfsgid(gid)
    _LIBC.setfsuid(uid)
    # both return the id that was in force before
    took = (_LIBC.setfsuid(-1), _LIBC.setfsgid(-1)) == (uid, gid)
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    sender = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
    _LIBC.setfsuid(0)
    _LIBC.setfsgid(0)
    if not took:
        sender.close()
        raise UnavailableError(f"no process can be user {uid}, group {gid} here: it takes root")
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if mark:
        sender.setsockopt(socket.SOL_SOCKET, _SO_MARK, mark)
    return sender


def _tap(name: str) -> int:
    try:
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        wish = struct.pack("16sH22x", name.encode(), _TAP | _NO_PACKET_INFORMATION)
        fcntl.ioctl(tap, _TUNSETIFF, wish)
    except OSError as error:
        raise UnavailableError(f"/dev/net/tun makes no interface: {error.strerror}") from None
    return tap


def _addresses(machine: dict[str, Any], macs: dict[str, str]) -> Iterator[str]:
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


def _routes(machine: dict[str, Any], suffix: str) -> Iterator[str]:
    yield from (f"route add {words}" for words in machine.get(f"routes{suffix}", ()))
    yield from (f"rule add {words}" for words in machine.get(f"rules{suffix}", ()))


_SETTINGS: dict[str, Any] = {
    "ipv4/icmp_ratelimit": 0,
    "ipv4/icmp_msgs_per_sec": 1000000,
    "ipv4/icmp_msgs_burst": 1000000,
    "ipv6/icmp/ratelimit": 0,
    "ipv4/ip_default_ttl": 64,
}


def _per_link(names: dict[str, int]) -> dict[str, Any]:
    """Switches that a new namespace would inherit from the machine's own."""
    wanted = {"rp_filter": 0, "send_redirects": 0, "accept_redirects": 0, "accept_local": 0}
    wanted |= {"accept_source_route": 0, "log_martians": 0, "route_localnet": 0}
    places = ("all", "default", "lo", *names)
    return {
        f"ipv4/conf/{place}/{name}": value for place in places for name, value in wanted.items()
    }


def _set(path: str, value: object) -> None:
    file = Path("/proc/sys/net") / path
    try:
        file.write_text(str(value))
    except FileNotFoundError:
        pass  # a switch that this kernel does not have
    except OSError as error:
        raise UnavailableError(f"{file} cannot be set: {error.strerror}") from None


class _TooSlowError(Exception):
    """A request took longer than any should."""


def _too_slow(*_: object) -> None:
    raise _TooSlowError(f"not answered within {STEP_SECONDS} s")


def _requests() -> Iterator[dict[str, Any]]:
    """One request a line, until whoever asks is gone."""
    parent = os.getppid()
    pending = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], 1)[0]:
            continue
        data = os.read(0, 1 << 20)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        yield from map(json.loads, lines)


class _Server:
    """Answers requests with one box, which the first of them makes."""

    def __init__(self) -> None:
        self.box: Box | None = None
        self.log: KernelLog | None = None

    def answer(self, request: dict[str, Any]) -> object:
        """What to reply to one request."""
        if request["do"] == "enter":
            if request["log"]:
                self.log = KernelLog()
            enter(request["namespace"])
            self.box = Box(request)
            return os.stat("/proc/self/ns/net").st_ino
        assert self.box is not None, "the first request makes the box"
        match request["do"]:
            case "load":
                return self.box.load(request["rules"], request["ipsets"])
            case "send":
                return self.box.send(request["packet"], self.log)
            case "list":
                return self.box.listed(request["tables"])
            case other:
                raise AssertionError(f"unknown request {other}")


def main() -> None:
    """Serve requests until the input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the end of the input ends us
    signal.signal(signal.SIGALRM, _too_slow)
    server = _Server()
    try:
        for request in _requests():
            signal.alarm(STEP_SECONDS)
            try:
                reply = {"ok": server.answer(request)}
            except (UnavailableError, _TooSlowError, OSError) as error:
                reply = {"error": str(error)}
            signal.alarm(0)
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()
    finally:
        if server.log:
            server.log.close()


if __name__ == "__main__":
    main()
