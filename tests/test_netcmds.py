"""The network commands of virtual machines print what the real ones printed.

The files in ``netcmds/`` were recorded in network namespaces: a machine ``a`` whose ``c0`` is
wired to ``b``. A line with ``$`` is a command on ``a``, below it what it printed, after ``!`` on
standard error, after ``=`` its status unless that is 0. A line with ``%`` only sets the scene.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import iptlab.console.commands  # noqa: F401  (registers the commands)
from iptlab import Host, Interface, Machine
from iptlab.console.command import COMMANDS, Box, Output, Session
from iptlab.console.commands.modules import load_module
from iptlab.console.switches import read_proc, write_proc
from iptlab.packet import Protocol
from iptlab.simulate.network import Attempt, Link, Listener, Network, Result

FILES = sorted((Path(__file__).parent / "netcmds").glob("*.txt"))
# what is another one each time, on a real machine
CHANCE = re.compile(r"id: \d+|WHEN: .*")


@dataclass
class Lab:
    """Two machines, a wire, and what each of them has."""

    network: Network
    boxes: dict[str, Box] = field(default_factory=lambda: {"a": Box(), "b": Box()})
    attempts: list[Attempt] = field(default_factory=list)

    @classmethod
    def small(cls) -> Lab:
        """The machines ``a`` and ``b``; on ``b`` are a web server and a name server."""
        hosts = {
            "a": Interface.of("c0", "10.0.0.1/24", "fd00::1/64", mac="02:00:00:00:00:01"),
            "b": Interface.of("s0", "10.0.0.2/24", "fd00::2/64", mac="02:00:00:00:00:02"),
        }
        machines = {name: Machine(Host((one,), name=name)) for name, one in hosts.items()}
        listeners = (Listener("b", Protocol.TCP, 80, "web"),)
        return cls(Network(machines, (Link.of("a c0", "b s0"),), listeners))

    def session(self, machine: str = "a", stdin: str = "") -> Session:
        """A session on a machine."""
        names = {"web.lab": ("10.0.0.2",)}
        box = self.boxes[machine]
        return Session(self.network, machine, box, names, stdin, self.attempts)

    def run(self, line: str, machine: str = "a", stdin: str = "") -> Output:
        """What a command prints."""
        words = shlex.split(line)
        return COMMANDS[words[0]](self.session(machine, stdin), words)

    def prepare(self, line: str) -> None:
        """Set the scene: load rules, say who answers names, send a datagram, or run a command."""
        machine, _, rest = line.partition(" ")
        word, _, what = rest.partition(" ")
        tool, _, table = word.partition("-")
        if tool in ("iptables", "ip6tables"):
            rules = "\n".join(what.split(" ; "))
            text = f"*{table or 'filter'}\n{rules}\nCOMMIT\n"
            self.network[machine].load(text, 4 if tool == "iptables" else 6)
        elif word == "nameserver":
            self.boxes[machine].files["/etc/resolv.conf"] = f"{rest}\n"
        elif word == "send":
            self.run(f"nc -u -w1 {what}", machine, "hi\n")
        else:
            self.run(rest, machine)


def blocks(file: Path) -> Iterator[tuple[str, list[str]]]:
    """The lines that begin with $ or %, each with what stands below it."""
    found: list[tuple[str, list[str]]] = []
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line[:2] in ("$ ", "% "):
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
    yield from found


def written(output: Output) -> str:
    """An output as the files write it."""
    errors = "".join(f"! {line}\n" for line in output.stderr.splitlines())
    end = "" if output.stdout.endswith("\n") or not output.stdout else "\n"
    status = f"= {output.status}" if output.status else ""
    return CHANCE.sub("*", output.stdout + end + errors + status).rstrip("\n")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_commands_print_what_the_real_ones_printed(file: Path) -> None:
    lab = Lab.small()
    if file.stem == "names":
        dns = Listener("b", Protocol.UDP, 53, "dns")
        lab.network = Network(
            lab.network.machines, lab.network.links, (*lab.network.listeners, dns)
        )
    wrong = []
    for line, below in blocks(file):
        if line.startswith("%"):
            lab.prepare(line[2:])
            continue
        expected = CHANCE.sub("*", "\n".join(below)).rstrip("\n")
        if (got := written(lab.run(line[2:]))) != expected:
            wrong.append(f"{line}\n--- real:\n{expected}\n--- ours:\n{got}")
    assert not wrong, "\n\n".join(wrong)


# --- what no recording shows ---


def test_every_attempt_is_kept_with_what_came_of_it() -> None:
    lab = Lab.small()
    lab.run("ping -c 2 10.0.0.2")
    lab.run("curl -s 10.0.0.2")
    lab.run("nc -z 10.0.0.2 81")
    wanted = [Result.CONNECTED, Result.CONNECTED, Result.CONNECTED, Result.REFUSED]
    assert [attempt.result for attempt in lab.attempts] == wanted
    assert [attempt.packet.echo_seq for attempt in lab.attempts[:2]] == [1, 2]
    assert lab.attempts[2].heard.endswith("hello from web\n")


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("ping 10.0.0.2", 3),
        ("ping -c 2 -W 1 10.0.0.2 -i 5", 5),
        ("curl -m 5 10.0.0.9", 3),
        ("nc -z -w 2 10.0.0.9 80", 2),
        ("ip addr", 0),
    ],
)
def test_time_passes_only_while_somebody_waits(line: str, seconds: int) -> None:
    lab = Lab.small()
    began = lab.network.now
    lab.run(line)
    assert int((lab.network.now - began).total_seconds()) == seconds


def test_two_runs_are_the_same_to_the_letter() -> None:
    lines = ["ping -c 1 10.0.0.2", "curl -v 10.0.0.2", "dig @10.0.0.2 web.lab", "conntrack -L"]
    one, other = Lab.small(), Lab.small()
    assert [one.run(line) for line in lines] == [other.run(line) for line in lines]


def test_a_switch_is_a_file() -> None:
    session = Lab.small().session()
    forward = "/proc/sys/net/ipv4/ip_forward"
    assert read_proc(session, forward) == "0\n"
    assert write_proc(session, forward, "1\n") == ""
    assert read_proc(session, forward) == "1\n"
    assert session.machine.host.sysctls["ipv4/ip_forward"] == 1
    assert write_proc(session, forward, "abc\n") == "Invalid argument"
    assert write_proc(session, "/proc/sys/net/ipv4/foo", "1") == "No such file or directory"
    assert read_proc(session, "/proc/sys/net/ipv4/foo") is None
    assert read_proc(session, "/etc/passwd") is None


def test_switches_are_loaded_from_a_file() -> None:
    lab = Lab.small()
    text = "# router\nnet.ipv4.ip_forward = 1\n\nfoo\nnet.ipv4.ip_default_ttl=63\n"
    lab.boxes["a"].files["/etc/sysctl.conf"] = text
    loaded = lab.run("sysctl -p")
    assert loaded.stdout == "net.ipv4.ip_forward = 1\nnet.ipv4.ip_default_ttl = 63\n"
    assert loaded.stderr == "sysctl: /etc/sysctl.conf(4): invalid syntax, continuing...\n"
    assert lab.network["a"].host.sysctl("ipv4/ip_default_ttl") == 63


MODULES = """\
Module                  Size  Used by
iptable_nat            16384  0
nf_nat                 57344  1 iptable_nat
nf_conntrack          188416  1 nf_nat
libcrc32c              16384  2 nf_nat,nf_conntrack
nf_defrag_ipv6         24576  1 nf_conntrack
nf_defrag_ipv4         16384  1 nf_conntrack
ip_tables              36864  1 iptable_nat
x_tables               61440  2 iptable_nat,ip_tables
"""


def test_a_module_brings_what_it_needs_and_takes_it_away() -> None:
    lab = Lab.small()
    assert lab.run("modprobe iptable-nat") == Output()
    assert lab.run("lsmod").stdout == MODULES
    in_use = "modprobe: FATAL: Module nf_nat is in use.\n"
    assert lab.run("modprobe -r nf_nat") == Output(stderr=in_use, status=1)
    assert lab.run("modprobe -r iptable_nat") == Output()
    assert lab.boxes["a"].modules == []
    unknown = "modprobe: FATAL: Module foo not found in directory /lib/modules/6.1.0-56-amd64\n"
    assert lab.run("modprobe foo") == Output(stderr=unknown, status=1)
    assert load_module(lab.session(), "iptable_filter")
    assert not load_module(lab.session(), "foo")


def test_a_name_is_asked_for_in_a_packet_that_rules_can_stop() -> None:
    lab = Lab.small()
    assert lab.run("curl -s web.lab").stdout == "hello from web\n"
    lab.boxes["a"].files["/etc/resolv.conf"] = "nameserver 10.0.0.2\n"
    assert lab.run("curl -s web.lab").status == 6
    assert [attempt.packet.dport for attempt in lab.attempts] == [80, 53, 53]
    lab.boxes["a"].files["/etc/hosts"] = "10.0.0.2 web.lab web\n"
    assert lab.run("curl -s web").stdout == "hello from web\n"


def test_nc_sends_what_it_reads_and_prints_what_it_hears() -> None:
    heard = Lab.small().run("nc 10.0.0.2 80", stdin="GET / HTTP/1.0\r\n\r\n")
    assert heard.stdout.startswith("HTTP/1.1 200 OK\r\n")
    assert heard.stdout.endswith("\r\n\r\nhello from web\n")


def test_a_server_lists_who_listens_and_who_is_there() -> None:
    lab = Lab.small()
    lab.run("nc 10.0.0.2 80")
    assert lab.run("ss -tan", "b").stdout == (
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
        "LISTEN 0      4096               *:80              *:*           \n"
        "ESTAB  0      0           10.0.0.2:80       10.0.0.1:40000       \n"
    )


def test_a_route_that_is_added_is_taken() -> None:
    lab = Lab.small()
    assert lab.run("ping -c 1 8.8.8.8").status == 2
    lab.run("ip addr add 8.8.8.8/32 dev lo", "b")
    lab.run("ip route add default via 10.0.0.2")
    assert lab.run("ping -c 1 8.8.8.8").status == 0
    lab.run("ip link set c0 down")
    assert lab.run("ip route").stdout == ""
    assert lab.run("ping -c 1 10.0.0.2").stderr == "ping: connect: Network is unreachable\n"


def test_only_the_interface_that_is_meant_is_changed() -> None:
    lab = Lab.small()
    lab.run("ip addr add 10.1.0.1/16 dev c0")
    lab.run("ip link set c0 mtu 1400")
    (card,) = lab.network["a"].host.interfaces
    assert ([str(one) for one in card.addresses][2:], card.mtu) == (["10.1.0.1/16"], 1400)
    lab.run("ip addr add 10.2.0.1/32 dev lo")
    assert [one.name for one in lab.network["a"].host.interfaces] == ["lo", "c0"]


def test_a_machine_reaches_its_own_address_behind_an_interface_that_is_down() -> None:
    lab = Lab.small()
    lab.run("ip link set c0 down")
    local = lab.run("ip route show table local").stdout.splitlines()
    assert local[0] == "local 10.0.0.1 dev c0 proto kernel scope host src 10.0.0.1 "
    assert lab.run("ping -c 1 10.0.0.1").status == 0
    assert lab.run("ping -c 1 10.0.0.1", "b").status == 1


def test_a_network_that_loses_its_address_loses_its_routes() -> None:
    lab = Lab.small()
    lab.run("ip route add default via 10.0.0.2")
    lab.run("ip addr add 10.0.0.3/24 dev c0")
    lab.run("ip addr del 10.0.0.1/24 dev c0")
    assert lab.run("ip -4 addr show c0").stdout == ""
    assert lab.run("ip route").stdout == ""


@pytest.mark.parametrize(
    "line",
    [
        *(
            "conntrack -E",
            "nc -l 80",
            "ip link add br0 type bridge",
            "ip link set lo down",
            "ip rule flush",
            "ip -j addr",
        ),
        *("ip netns", "ip route add 10.9.0.0/16 via 10.0.0.2 proto static", "ss -s"),
        *("ping -f 10.0.0.2", "curl ftp://10.0.0.2", "dig -k x y", "getent passwd root", "tcpdump"),
        *("sysctl -w net.netfilter.nf_conntrack_max=1", "modinfo -p x", "traceroute -n 10.0.0.2"),
        *(
            "nc -zv 10.0.0.2 1-65535",
            "ip rule add pref 40000 table 7",
            "ping -c 99999 10.0.0.2",
            "conntrack -I",
        ),
    ],
)
def test_what_is_not_modelled_is_refused_with_a_sentence(line: str) -> None:
    lab = Lab.small()
    before = lab.network["a"].host
    refused = lab.run(line)
    assert refused.status
    assert re.search(r"not (modelled here|on this machine)", refused.stderr)
    assert lab.network["a"].host == before
