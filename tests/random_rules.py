"""Random rule sets: in every chain, rules drawn from what is legal there."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from typing import Any

Packet = dict[str, Any]


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


HOOKS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}
INCOMING = ("PREROUTING", "INPUT", "FORWARD")
OUTGOING = ("OUTPUT", "FORWARD", "POSTROUTING")
CHAINS = words(
    "f2b-sshd DOCKER-USER KUBE-SVC KUBE-MARK zone_wan from-lan to-wan LOGDROP TCP UDP ICMP "
    "in-web rate-limit bad_tcp allow_ssh IN_public FWD_public cali-fw-web dmz-in ACCT PORTFWD "
    "CHAIN1 BLOCKLIST custom_accept ufw-user-input SERVICES LOGGING DOCKER-ISOLATION-STAGE-1"
)
TCP_PORTS = (21, 22, 25, 53, 80, 139, 443, 993, 3306, 3389, 5432, 6379, 6443, 8080, 8443, 10250)
UDP_PORTS = (53, 67, 123, 137, 161, 500, 514, 1194, 4500, 5353, 8472, 51820)
RANGES = ("1:1023", "1024:", "1024:65535", "8000:8100", "5900:5999", "30000:32767", ":1023")
MARKS = (0x1, 0x2, 0x10, 0x64, 0x4000, 0x8000, 0x10000)
STATES = words(
    "NEW ESTABLISHED RELATED INVALID UNTRACKED RELATED,ESTABLISHED NEW,ESTABLISHED "
    "NEW,RELATED INVALID,NEW NEW,RELATED,ESTABLISHED INVALID,UNTRACKED"
)
INTERNET = {
    4: ("8.8.8.8", "1.1.1.1", "93.184.216.34", "198.51.100.77", "45.33.32.156", "172.16.5.9"),
    6: ("2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::5"),
}
HOSTS = (1, 2, 5, 10, 20, 33, 100, 200)
BEHIND = {
    ("router", 4): {"eth1": ("192.168.2.7",), "eth2": ("10.8.0.6",)},
    ("router", 6): {"eth2": ("2001:db8:8::6",)},
    ("k8s", 4): {"flannel.1": ("10.244.0.9", "10.244.2.7", "10.244.2.8")},
}
UNROUTED = {
    ("router", 4): ("10.66.0.1", "10.67.0.1", "10.68.0.1"),
    ("router", 6): ("2001:db8:66::1", "2001:db8:67::1", "2001:db8:68::1"),
}
REJECTS = {
    4: "net-unreachable host-unreachable proto-unreachable port-unreachable net-prohibited"
    " host-prohibited admin-prohibited",
    6: "no-route adm-prohibited addr-unreachable port-unreachable policy-fail reject-route",
}


class World:
    """Who lives where around one machine."""

    def __init__(self, topology: str, machine: dict[str, Any], family: int) -> None:
        self.family = family
        self.links: dict[str, list[str]] = {}
        self.own: dict[str, list[str]] = {}
        for link in machine["links"]:
            addresses = link["addrs" if family == 4 else "addrs6"]
            faces = [ipaddress.ip_interface(a) for a in addresses]
            self.own[link["name"]] = [str(face.ip) for face in faces]
            net = faces[0].network
            neighbours = [str(net.network_address + n) for n in HOSTS if net.num_addresses > n]
            self.links[link["name"]] = [a for a in neighbours if a not in self.own[link["name"]]]
            self.links[link["name"]] += BEHIND.get((topology, family), {}).get(link["name"], ())
        self.unrouted = UNROUTED.get((topology, family), ())
        self.outside = next(iter(self.links))

    def near(self, dice: Dice, link: str) -> str:
        """An address reached by ``link``."""
        away = INTERNET[self.family] if link == self.outside else ()
        return dice.pick([*self.links[link], *dice.some(away, 3)] or INTERNET[self.family])

    def anyone(self, dice: Dice) -> str:
        """An address somewhere, or one of the machine's own."""
        link = dice.pick(list(self.links))
        return dice.pick([self.near(dice, link)] * 3 + self.own[link])


class Dice(random.Random):
    """Chance in the words that the generator needs."""

    def pick(self, values: Any) -> Any:
        """One of them."""
        return self.choice(list(values))

    def some(self, values: Any, count: int) -> list[Any]:
        """Up to ``count`` of them."""
        return self.sample(list(values), min(count, len(values)))

    def chance(self, percent: int) -> bool:
        """Whether it happens."""
        return self.random() * 100 < percent


class Rules:
    """One random rule set; ``hints`` are what packets should look like to meet its rules."""

    def __init__(self, dice: Dice, world: World) -> None:
        self.dice, self.world, self.family = dice, world, world.family
        self.hints: list[Packet] = []
        self.sets: dict[str, tuple[str, list[str]]] = {}
        self._hint: Packet = {}
        self.ipsets = self._ipsets()
        self.text = "".join(self._table(table) for table in self._tables())

    def _tables(self) -> list[str]:
        shares = {"raw": 28, "mangle": 50, "nat": 75, "filter": 85, "security": 10}
        found = [table for table, share in shares.items() if self.dice.chance(share)]
        return found or ["filter"]

    def _ipsets(self) -> str:
        dice, lines = self.dice, []
        family = "" if self.family == 4 else " family inet6"
        names = ("blocklist", "allowed", "geo-cn", "webports", "crowdsec", "KUBE-CLUSTER-IP")
        for name in dice.some(names, dice.pick((0, 0, 1, 2))):
            kind = dice.pick(("hash:ip", "hash:net", "hash:ip,port", "hash:net", "bitmap:port"))
            members = sorted({self._member(kind) for _ in range(dice.randint(2, 4))})
            self.sets[name] = kind, members
            if kind == "bitmap:port":
                lines.append(f"create {name} {kind} range 0-65535")
            else:
                lines.append(f"create {name} {kind}{family or ' family inet'}")
            lines += [f"add {name} {member}" for member in members]
        return "".join(f"{line}\n" for line in lines)

    def _member(self, kind: str) -> str:
        address = self.world.anyone(self.dice)
        match kind:
            case "hash:ip":
                return address
            case "hash:net":
                bits = self.dice.pick((16, 24, 28, 32) if self.family == 4 else (32, 64, 112, 128))
                return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
            case "hash:ip,port":
                proto = self.dice.pick(("tcp", "udp"))
                return f"{address},{proto}:{self.dice.pick(TCP_PORTS + UDP_PORTS)}"
            case _:
                return str(self.dice.pick(TCP_PORTS + UDP_PORTS))

    def _table(self, table: str) -> str:
        dice = self.dice
        lines = [f"*{table}"]
        for hook in HOOKS[table]:
            drops = {"filter": 35, "raw": 4, "mangle": 4}.get(table, 0)
            lines.append(f":{hook} {'DROP' if dice.chance(drops) else 'ACCEPT'} [0:0]")
        homes = {name: dice.pick(HOOKS[table]) for name in dice.some(CHAINS, dice.randint(0, 4))}
        lines += [f":{name} - [0:0]" for name in homes]
        order = list(homes)
        for hook in HOOKS[table]:
            mine = [name for name in order if homes[name] == hook]
            if table == "filter" and dice.chance(40):
                lines += self._opening(hook)
            for _ in range(dice.pick((1, 2, 3, 4) if table == "nat" else (0, 1, 2, 3, 4))):
                lines.append(self._rule(table, hook, hook, mine))
            lines += [f"-A {hook} -j {name}" for name in mine if dice.chance(50)]
        for at, name in enumerate(order):
            later = [other for other in order[at + 1 :] if homes[other] == homes[name]]
            for _ in range(dice.randint(0, 4)):
                lines.append(self._rule(table, homes[name], name, later))
        return "\n".join([*lines, "COMMIT\n"])

    def _opening(self, hook: str) -> list[str]:
        """How many real rule sets begin."""
        state = self.dice.pick(("-m conntrack --ctstate", "-m state --state"))
        lines = [f"-A {hook} {state} RELATED,ESTABLISHED -j ACCEPT"]
        if hook == "INPUT":
            lines.insert(self.dice.randint(0, 1), "-A INPUT -i lo -j ACCEPT")
        if self.dice.chance(40):
            lines.append(f"-A {hook} {state} INVALID -j DROP")
        return lines

    def _rule(self, table: str, hook: str, chain: str, calls: list[str]) -> str:
        dice = self.dice
        self._hint = {"hook": hook}
        target, needs = self._target(table, hook, calls)
        share = 13 if table == "nat" else 24
        words = [*self._interfaces(hook), *self._addresses(share), *self._protocol(needs)]
        for _ in range(dice.pick((0, 0, 0, 1) if table == "nat" else (0, 0, 0, 1, 1, 2))):
            words += self._match(table, hook)
        if len(self._hint) > 1 or dice.chance(20):
            self.hints.append(self._hint)
        parts = [*words, target]
        if dice.chance(4) and target.startswith("-j") and " --" not in target:
            parts.insert(0, parts.pop())
        return " ".join(["-A", chain, *(part for part in parts if part)])

    def _not(self, percent: int = 10) -> str:
        return "! " if self.dice.chance(percent) else ""

    def _interfaces(self, hook: str) -> Iterator[str]:
        for flag, hooks, key in (("-i", INCOMING, "in"), ("-o", OUTGOING, "out")):
            if hook in hooks and self.dice.chance(30):
                name = self.dice.pick([*self.world.links] * 3 + ["lo", "eth+"])
                negated = self._not()
                if not negated and name in self.world.links:
                    self._hint[key] = name
                flag = self.dice.pick(
                    (flag, flag, flag, flag + "n-interface" if key == "in" else "--out-interface")
                )
                flag = "--in-interface" if flag == "-in-interface" else flag
                yield f"{negated}{flag} {name}"

    def _addresses(self, share: int) -> Iterator[str]:
        for flag, long, key in (("-s", "--source", "src"), ("-d", "--destination", "dst")):
            if not self.dice.chance(share):
                continue
            address, negated = self.world.anyone(self.dice), self._not(12)
            if not negated:
                self._hint[key] = address
            bits = self.dice.pick(
                ("", "/32", "/24", "/30", "/16", "/255.255.255.0", "/8", "/0.0.0.255", "/20")
                if self.family == 4
                else ("", "/128", "/64", "/112", "/48")
            )
            if bits == "/0.0.0.255" and self.dice.chance(70):
                bits = "/24"
            yield f"{negated}{self.dice.pick((flag, flag, flag, long))} {address}{bits}"

    def _protocol(self, needs: str) -> Iterator[str]:
        dice = self.dice
        icmp = "icmp" if self.family == 4 else "ipv6-icmp"
        kinds = ["tcp"] * 5 + ["udp"] * 4 + [icmp, icmp, "sctp", "other", "none", "none", "none"]
        kind = "tcp" if needs == "tcp" else dice.pick(kinds)
        if needs == "ports" and kind not in ("tcp", "udp"):
            kind = dice.pick(("tcp", "udp"))
        if kind == "none":
            return
        if kind == "other":
            name, number = dice.pick((("udplite", "udplite"), ("esp", 50), ("47", 47), ("89", 89)))
            self._hint["proto"] = number
            yield f"-p {name}"
            return
        negated = "" if needs else self._not(6)
        flag = dice.pick(("-p", "-p", "-p", "--protocol"))
        number = {"tcp": "6", "udp": "17"}.get(kind, kind)
        yield f"{negated}{flag} {number if dice.chance(8) else kind}"
        if negated:
            return
        self._hint["proto"] = "icmpv6" if kind == "ipv6-icmp" else kind
        if "icmp" in kind:
            yield from self._icmp()
        elif needs == "tcp" or dice.chance(65):
            yield from self._ports(kind, needs)

    def _icmp(self) -> Iterator[str]:
        dice = self.dice
        four = words(
            "8 0 echo-request echo-reply 13 timestamp-request 3 3/3 3/1 3/4 port-unreachable "
            "11 time-exceeded any destination-unreachable fragmentation-needed 12 "
            "ttl-zero-during-transit"
        )
        six = words("128 129 echo-request echo-reply 1 1/4 2 packet-too-big 3 time-exceeded 4")
        if dice.chance(75):
            option = "--icmp-type" if self.family == 4 else "--icmpv6-type"
            module = "-m icmp " if self.family == 4 else "-m icmp6 "
            word = dice.pick(four if self.family == 4 else six)
            yield f"{module * dice.chance(50)}{self._not(6)}{option} {word}"

    def _ports(self, kind: str, needs: str) -> Iterator[str]:
        dice = self.dice
        known = UDP_PORTS if kind == "udp" else TCP_PORTS
        module = f"-m {kind} " * dice.chance(50)
        if kind == "sctp" or dice.chance(75):
            port = dice.pick([*known] * 2 + [*RANGES])
            negated = self._not(8)
            if isinstance(port, int) and not negated:
                self._hint["dport"] = port
            word = dice.pick(("--dport", "--dport", "--dport", "--destination-port"))
            source = dice.pick([*known, *RANGES])
            # iptables-nft 1.8.9 makes one comparison of two negated ports, and a wrong one
            extra = f" {self._not(0 if negated else 10)}--sport {source}" * dice.chance(15)
            if extra and isinstance(source, int) and "!" not in extra:
                self._hint["sport"] = source
            yield f"{module}{negated}{word} {port}{extra}"
        elif dice.chance(70):
            ports = dice.some([*known, "8000:8100", "137:139"], dice.randint(1, 5))
            word = dice.pick(("--dports", "--dports", "--dports", "--sports", "--ports"))
            if word == "--dports" and isinstance(ports[0], int):
                self._hint["dport"] = ports[0]
            yield f"-m multiport {self._not(8)}{word} {','.join(map(str, ports))}"
        if kind == "tcp" and (needs == "tcp" or dice.chance(12)):
            yield self._flags(needs)

    def _flags(self, needs: str) -> str:
        if needs == "tcp" or self.dice.chance(50):
            return self.dice.pick(("--syn", "--tcp-flags SYN,RST SYN"))
        return self._not(15) + self.dice.pick(
            (
                *("--syn", "--tcp-flags ALL NONE", "--tcp-flags ACK,FIN FIN"),
                *("--tcp-flags SYN,FIN SYN,FIN", "--tcp-flags ALL FIN,PSH,URG"),
                "--tcp-flags FIN,SYN,RST,ACK RST",
            )
        )

    def _match(self, table: str, hook: str) -> Iterator[str]:
        makers = [self._state] * 5 + [
            *(self._set, self._set, self._mark, self._mark, self._connmark, self._limit),
            *(self._recent, self._statistic, self._length, self._ttl, self._iprange),
            *(self._addrtype, self._tos, self._pkttype, self._comment, self._hashlimit),
            *(self._conntrack, self._conntrack, self._mac, self._owner, self._tcpmss),
        ]
        yield from self.dice.pick(makers)(hook)

    def _state(self, _: str) -> Iterator[str]:
        words = [*STATES, "DNAT", "SNAT", "SNAT,DNAT"]
        if self.dice.chance(25):
            yield f"-m state {self._not(8)}--state {self.dice.pick(STATES)}"
        else:
            yield f"-m conntrack {self._not(6)}--ctstate {self.dice.pick(words)}"

    def _conntrack(self, _: str) -> Iterator[str]:
        dice, address = self.dice, self.world.anyone(self.dice)
        bits = dice.pick(("", "/24", "/16") if self.family == 4 else ("", "/64"))
        option = dice.pick(("--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst"))
        yield "-m conntrack " + dice.pick(
            (
                f"{self._not()}{option} {address}{bits}",
                f"--ctdir {dice.pick(('ORIGINAL', 'REPLY'))}",
                f"{self._not()}--ctstatus {dice.pick(words('SEEN_REPLY ASSURED NONE CONFIRMED'))}",
                f"--ctproto {dice.pick(('tcp', 'udp', '1', '17'))}",
                f"{self._not()}--ctorigdstport {dice.pick(TCP_PORTS)}",
                f"--ctorigsrcport {dice.pick(('1024:65535', '1:1023'))}",
                f"--ctreplsrcport {dice.pick(TCP_PORTS)}",
                f"--ctstate NEW --ctdir {dice.pick(('ORIGINAL', 'REPLY'))}",
            )
        )

    def _set(self, _: str) -> Iterator[str]:
        if not self.sets:
            return
        name = self.dice.pick(self.sets)
        kind, members = self.sets[name]
        way = self.dice.pick(("src", "dst"))
        if kind in ("hash:ip", "hash:ip,port"):
            self._hint.setdefault(way, self.dice.pick(members).split(",")[0])
        yield f"-m set {self._not(15)}--match-set {name} {way}{',dst' * (',' in kind)}"

    def _mark(self, _: str) -> Iterator[str]:
        mark = self.dice.pick(MARKS)
        mask = self.dice.pick(("", f"/{mark:#x}", "/0xff", "/0xffff"))
        value = self.dice.pick((mark, mark, 0)) if mask else mark
        yield f"-m mark {self._not(18)}--mark {value:#x}{mask}"

    def _connmark(self, _: str) -> Iterator[str]:
        mark = self.dice.pick(MARKS)
        yield f"-m connmark {self._not()}--mark {mark:#x}{self.dice.pick(('', f'/{mark:#x}'))}"

    def _limit(self, _: str) -> Iterator[str]:
        rate = self.dice.pick(("5/min", "3/hour", "1/minute", "10/day", "6/m"))
        burst = self.dice.pick(("", " --limit-burst 1", " --limit-burst 2", " --limit-burst 3"))
        yield f"-m limit --limit {rate}{burst}"

    def _hashlimit(self, _: str) -> Iterator[str]:
        dice = self.dice
        name = f"h{len(self.hints)}{dice.randint(100, 999)}"
        mode = dice.pick(("srcip", "dstip", "srcip,dstip", "srcip,dstport", "dstip,dstport"))
        way, rate = dice.pick(("upto", "upto", "above")), dice.pick(("5/min", "2/hour"))
        yield f"-m hashlimit --hashlimit-{way} {rate} --hashlimit-burst {dice.randint(1, 3)}"
        yield f"--hashlimit-mode {mode} --hashlimit-name {name}"

    def _recent(self, _: str) -> Iterator[str]:
        dice = self.dice
        name = dice.pick(("", " --name SSH", " --name portscan", " --name bad"))
        side = dice.pick((" --rsource", " --rsource", "", " --rdest"))
        hits = dice.pick(("", " --seconds 60", " --seconds 300 --hitcount 2", " --hitcount 3"))
        verb = dice.pick(("--set", "--set", "--rcheck", "--update", "--remove"))
        check = hits if verb in ("--rcheck", "--update") else ""
        yield f"-m recent {self._not(6) if check else ''}{verb}{check}{name}{side}"

    def _statistic(self, _: str) -> Iterator[str]:
        every = self.dice.randint(2, 4)
        packet = self.dice.randint(0, every - 1)
        yield f"-m statistic --mode nth {self._not(8)}--every {every} --packet {packet}"

    def _length(self, _: str) -> Iterator[str]:
        size = self.dice.pick(words("40 48 0:84 :60 100:65535 1000:"))
        yield f"-m length {self._not()}--length {size}"

    def _ttl(self, _: str) -> Iterator[str]:
        name = "ttl" if self.family == 4 else "hl"
        word = self.dice.pick((f"{self._not(15)}--{name}-eq", f"--{name}-lt", f"--{name}-gt"))
        yield f"-m {name} {word} {self.dice.pick((1, 2, 5, 63, 64, 128, 255))}"

    def _iprange(self, _: str) -> Iterator[str]:
        side = self.dice.pick(("src", "dst"))
        middle = ipaddress.ip_address(self.world.anyone(self.dice))
        self._hint.setdefault(side, str(middle))
        first, last = middle - self.dice.randint(0, 3), middle + self.dice.randint(0, 9)
        yield f"-m iprange {self._not()}--{side}-range {first}-{last}"

    def _addrtype(self, hook: str) -> Iterator[str]:
        dice = self.dice
        kinds = ["LOCAL"] * 4 + ["UNICAST", "MULTICAST", "UNREACHABLE"]
        kinds += ["BROADCAST", "LOCAL,BROADCAST", "BLACKHOLE"] if self.family == 4 else []
        limit = ""
        if hook in ("PREROUTING", "INPUT") and dice.chance(8):
            limit = " --limit-iface-in"
        elif hook in ("POSTROUTING", "OUTPUT") and dice.chance(8):
            limit = " --limit-iface-out"
        way = dice.pick(("--dst-type", "--dst-type", "--src-type"))
        yield f"-m addrtype {self._not(12)}{way} {dice.pick(kinds)}{limit}"

    def _tos(self, _: str) -> Iterator[str]:
        dice = self.dice
        if dice.chance(50):
            value = dice.pick(words("0x10 0x08/0x3f 0xb8/0xfc 16 0x00"))
            yield f"-m tos {self._not()}--tos {value}"
        else:
            word = dice.pick(
                (
                    "--dscp-class EF",
                    "--dscp-class CS1",
                    "--dscp 46",
                    "--dscp 0x0a",
                    "--dscp-class BE",
                )
            )
            yield f"-m dscp {self._not()}{word}"

    def _pkttype(self, _: str) -> Iterator[str]:
        kind = self.dice.pick(words("unicast broadcast multicast"))
        yield f"-m pkttype {self._not()}--pkt-type {kind}"

    def _comment(self, _: str) -> Iterator[str]:
        texts = ('"allow web traffic"', "kube-svc", '"it\'s fine"', '"a \\"b\\" c"', '"block: 10%"')
        yield f"-m comment --comment {self.dice.pick(texts)}"

    def _mac(self, hook: str) -> Iterator[str]:
        if hook in INCOMING:
            self._hint["smac"] = "02:00:00:aa:bb:cc"
            yield f"-m mac {self._not()}--mac-source 02:00:00:aa:bb:cc"

    def _owner(self, hook: str) -> Iterator[str]:
        if hook not in ("OUTPUT", "POSTROUTING"):
            return
        word = self.dice.pick(
            (
                "--uid-owner 1000",
                "--uid-owner 0",
                "--gid-owner 1000",
                "--uid-owner 1000-1999",
                "--socket-exists",
            )
        )
        self._hint["uid"] = 1000
        yield f"-m owner {self._not() if 'exists' not in word else ''}{word}"

    def _tcpmss(self, _: str) -> Iterator[str]:
        if self._hint.get("proto") == "tcp":
            yield f"-m tcpmss {self._not()}--mss {self.dice.pick(('1400:1460', '1460', '1:500'))}"

    def _target(self, table: str, hook: str, calls: list[str]) -> tuple[str, str]:
        """A legal target, and what the rule must match for it: nothing, ports or tcp."""
        dice = self.dice
        plain = ["-j ACCEPT"] * 3 + ["-j RETURN", ""] + ["-j DROP"] * (table != "nat") * 2
        plain += [f"{dice.pick(('-j', '-j', '-j', '-j', '-g'))} {name}" for name in calls]
        special = {
            "raw": self._raw_target,
            "mangle": self._mangle_target,
            "nat": self._nat_target,
            "filter": self._filter_target,
            "security": self._filter_target,
        }[table]
        shares = {"raw": 40, "mangle": 75, "nat": 75, "filter": 45, "security": 0}
        if dice.chance(8):
            return self._log(), ""
        if dice.chance(shares[table]):
            return special(hook)
        return dice.pick(plain), ""

    def _log(self) -> str:
        dice = self.dice
        if dice.chance(15):
            return f"-j NFLOG --nflog-group {dice.randint(1, 4)} --nflog-prefix blk"
        prefix = dice.pick(
            ("", ' --log-prefix "[UFW BLOCK] "', ' --log-prefix "fw denied: "', " --log-prefix x:")
        )
        extra = dice.pick(
            (
                "",
                "",
                " --log-level 4",
                " --log-level info",
                " --log-tcp-options",
                " --log-ip-options",
                " --log-uid",
                " --log-tcp-sequence",
            )
        )
        return f"-j LOG{prefix}{extra}"

    def _marking(self) -> str:
        dice, mark = self.dice, self.dice.pick(MARKS)
        return "-j MARK " + dice.pick(
            (
                *(f"--set-mark {mark:#x}", f"--set-mark {mark}", f"--or-mark {mark:#x}"),
                *(f"--set-xmark {mark:#x}/{mark:#x}", f"--and-mark {0xFFFFFF00 | mark:#x}"),
                *(f"--xor-mark {mark:#x}", f"--set-mark {mark:#x}/{mark | 0xF0:#x}"),
                f"--set-xmark 0x0/{mark:#x}",
            )
        )

    def _raw_target(self, _: str) -> tuple[str, str]:
        return self.dice.pick(
            ("-j CT --notrack", "-j NOTRACK", "-j CT --notrack", "-j TRACE", "-j CT --zone 7")
        ), ""

    def _filter_target(self, hook: str) -> tuple[str, str]:
        dice = self.dice
        if dice.chance(12):
            return self._marking(), ""
        if dice.chance(25):
            return "-j REJECT --reject-with tcp-reset", "tcp"
        word = dice.pick(REJECTS[self.family].split())
        prefix = "icmp" if self.family == 4 else "icmp6"
        return dice.pick(("-j REJECT", f"-j REJECT --reject-with {prefix}-{word}")), ""

    def _mangle_target(self, hook: str) -> tuple[str, str]:
        dice = self.dice
        mark = dice.pick(MARKS)
        match dice.randint(0, 11):
            case 0 | 1 | 2 | 3:
                return self._marking(), ""
            case 4 | 5:
                words = (
                    *(
                        "--save-mark",
                        "--restore-mark",
                        f"--set-mark {mark:#x}",
                        f"--or-mark {mark:#x}",
                    ),
                    *(f"--set-xmark {mark:#x}/0xff", "--save-mark --mask 0xff", "--and-mark 0xff"),
                    *("--restore-mark", "--save-mark --nfmask 0xffff --ctmask 0xffff"),
                )
                return f"-j CONNMARK {dice.pick(words)}", ""
            case 6:
                words = (
                    "--set-tos 0x10",
                    "--set-tos Minimize-Delay",
                    "--set-tos 0x08/0x3f",
                    "--and-tos 0xe0",
                    "--or-tos 0x08",
                    "--xor-tos 0x04",
                )
                return f"-j TOS {dice.pick(words)}", ""
            case 7:
                words = (
                    "--set-dscp-class EF",
                    "--set-dscp 46",
                    "--set-dscp-class CS3",
                    "--set-dscp 0x08",
                )
                return f"-j DSCP {dice.pick(words)}", ""
            case 8 | 9:
                name, low = ("TTL", "ttl") if self.family == 4 else ("HL", "hl")
                words = (
                    f"--{low}-set 64",
                    f"--{low}-dec 1",
                    f"--{low}-inc 1",
                    f"--{low}-set 1",
                    f"--{low}-dec 3",
                )
                return f"-j {name} {dice.pick(words)}", ""
            case 10:
                clamp = hook in ("FORWARD", "OUTPUT", "POSTROUTING") and dice.chance(50)
                return f"-j TCPMSS {'--clamp-mss-to-pmtu' if clamp else '--set-mss 1200'}", "tcp"
            case _:
                if hook in ("FORWARD", "OUTPUT", "POSTROUTING"):
                    return f"-j CLASSIFY --set-class 1:{dice.randint(1, 9)}", ""
                return self._marking(), ""

    def _nat_target(self, hook: str) -> tuple[str, str]:
        if self.dice.chance(8):
            return self._marking(), ""
        if self.dice.chance(6):
            net = {4: ("10.0.0.0/24", "203.0.113.64/26", "192.168.1.0/24"), 6: ("2001:db8:1::/64",)}
            return f"-j NETMAP --to {self.dice.pick(net[self.family])}", ""
        return (
            self._source_nat(hook)
            if hook in ("POSTROUTING", "INPUT")
            else self._destination_nat(hook)
        )

    def _source_nat(self, hook: str) -> tuple[str, str]:
        dice = self.dice
        if hook == "POSTROUTING" and dice.chance(55):
            port = dice.pick(("", "", "", "", " --to-ports 1024-65535"))
            return f"-j MASQUERADE{port}", "ports" if port else ""
        link = dice.pick(self.world.own)
        address = dice.pick(self.world.own[link] + self.world.links[link][:3])
        first = ipaddress.ip_address(address)
        if dice.chance(20):
            last = first + dice.randint(1, 5)
            return f"-j SNAT --to-source {first}-{last}{' --persistent' * dice.chance(30)}", ""
        if dice.chance(20):
            shown = address if self.family == 4 else f"[{address}]"
            ports = dice.pick(("1024-65535", "20000-65000", "50000-55000"))
            return f"-j SNAT --to-source {shown}:{ports}", "ports"
        return f"-j SNAT --to-source {address}", ""

    def _destination_nat(self, hook: str) -> tuple[str, str]:
        dice = self.dice
        if dice.chance(25):
            port = dice.pick(("", " --to-ports 8080", " --to-ports 3128", " --to-ports 9000-9005"))
            return f"-j REDIRECT{port}", "ports" if port else ""
        link = dice.pick([*self.world.links])
        pool = self.world.links[link] + (
            ["127.0.0.1"] if self.family == 4 and dice.chance(5) else []
        )
        address = dice.pick(pool or list(INTERNET[self.family]))
        shown = address if self.family == 4 else f"[{address}]"
        port = dice.pick(TCP_PORTS)
        first = ipaddress.ip_address(address)
        match dice.randint(0, 9):
            case 0 | 1 | 2 | 3:
                return f"-j DNAT --to-destination {address}", ""
            case 4 | 5 | 6:
                return f"-j DNAT --to-destination {shown}:{port}", "ports"
            case 7:
                return f"-j DNAT --to-destination {shown}:{port}-{port + 5}", "ports"
            case 8:
                last = first + dice.randint(1, 4)
                return (
                    f"-j DNAT --to-destination {first}-{last}{' --persistent' * dice.chance(40)}",
                    "",
                )
            case _:
                return f"-j DNAT --to-destination :{port}", "ports"
