"""What runs inside the namespace: a process that owns it, and with which it ends.

It reads one request a line from its standard input and answers each with one line, both
JSON. When the input ends, because whoever started it closed it or died, it ends too, and
with it the namespace and all that was in it.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iptlab.kernel.frames import build
from iptlab.kernel.kernel_log import KernelLog
from iptlab.kernel.machine import (
    SETTINGS,
    STEP_SECONDS,
    UnavailableError,
    addresses,
    make_tap,
    per_link,
    routes,
    run,
    set_switch,
)
from iptlab.kernel.netlink import Connections, Listener, rule_handles
from iptlab.kernel.probes import PROBE_GROUP, PROBES, TRACE_GROUP

_LIBC = ctypes.CDLL(None, use_errno=True)
# include/uapi/linux/sched.h, mount.h
_NEWNS, _NEWUSER, _NEWNET = 0x20000, 0x10000000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000


def _checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise UnavailableError(f"{what}: {os.strerror(code)}")


def enter(parent_namespace: int) -> None:
    """Leave the machine's network for one of our own, where nothing is yet."""
    # root may do so by itself, unless in a container; everyone else as root of its own users
    if os.geteuid() != 0 or _LIBC.unshare(_NEWNS | _NEWNET) != 0:
        _become_root()
        refused = "the system refuses a network namespace"
        _checked(_LIBC.unshare(_NEWNS | _NEWNET), refused)
    if os.stat("/proc/self/ns/net").st_ino == parent_namespace:
        raise UnavailableError("the process is still in the machine's own network")
    private = _LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _checked(private, "the system refuses a private view of the file system")
    # the lock file of iptables, of which nothing remains afterwards
    _checked(_LIBC.mount(b"none", b"/run", b"tmpfs", 0, None), "the system refuses a private /run")


def _become_root() -> None:
    """Be root of a user namespace of our own.

    That must be so before the network namespace is made: files such as ip_tables_names belong
    to who is root then; kernel: net/netfilter/x_tables.c (xt_proto_init).
    """
    uid, gid, refused = os.geteuid(), os.getegid(), "the system refuses a user namespace"
    _checked(_LIBC.unshare(_NEWUSER), refused)
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise UnavailableError(f"{refused}: {error}") from None


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
            self.links[name] = make_tap(name)
        run(["ip", "-batch", "-"], "\n".join(addresses(machine, self.macs)))
        for path, value in (SETTINGS | per_link(self.links) | request["sysctl"]).items():
            set_switch(path, value)
        run(["ip", "-batch", "-"], "\n".join(routes(machine, "")))
        run(["ip", "-6", "-batch", "-"], "\n".join(routes(machine, "6")))
        self.listener = Listener((TRACE_GROUP, PROBE_GROUP))
        self.connections = Connections(self.family)
        set_switch(f"netfilter/nf_log/{2 if self.family == 4 else 10}", "nfnetlink_log")
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
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    return sender


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


def _say(text: str) -> None:
    """Write to the standard output, of which nothing may wait in a buffer when we end."""
    data = memoryview(text.encode())
    while data:
        data = data[os.write(1, data) :]


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
            _say(json.dumps(reply) + "\n")
    except BrokenPipeError:
        pass  # whoever asked is gone
    finally:
        if server.log:
            server.log.close()


if __name__ == "__main__":
    main()
