"""Random rules with the matches and targets that iptlab models, the rare ones too.

``random_rules.py`` draws what people write most; here the rest is added, more seldom.
connlimit is left out: what it counts depends on the ticks of the kernel's clock; so is what
needs packets that nothing here builds (AH, DCCP, mobility and routing headers).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from random_rules import INCOMING, MARKS, TCP_PORTS, UDP_PORTS, Dice, Rules, World, words

SCTP_CHUNKS = words("DATA INIT INIT_ACK COOKIE_ECHO COOKIE_ACK SHUTDOWN ABORT SACK HEARTBEAT")
ECN_TARGETS = ("--ecn-ip-ect 0", "--ecn-ip-ect 1", "--ecn-ip-ect 2")
# set types, and how many addresses, ports and interfaces an element has
KINDS = words(
    "hash:ip hash:net hash:ip,port hash:net,port hash:ip,port,ip hash:net,iface"
    " hash:ip,port,net bitmap:port"
)


class WideRules(Rules):
    """A random rule set drawn from all that is modelled."""

    def __init__(self, dice: Dice, world: World) -> None:
        self._names = 0
        super().__init__(dice, world)

    def _new_name(self, stem: str) -> str:
        self._names += 1
        return f"{stem}{self._names}"

    def _rule(self, table: str, hook: str, chain: str, calls: list[str]) -> str:
        """A rule, but none in which ``--set`` may be an option of set or of recent."""
        while True:
            rule = super()._rule(table, hook, chain, calls)
            if "--match-set" not in rule or " recent " not in rule:
                return rule

    # --- sets ---

    def _ipsets(self) -> str:
        text = super()._ipsets()
        dice, lines = self.dice, []
        for _ in range(dice.pick((0, 0, 1, 2))):
            kind, name = dice.pick(KINDS), self._new_name("set")
            members = sorted({self._element(kind) for _ in range(dice.randint(1, 4))})
            self.sets[name] = kind, members
            family = " family inet6" if self.family == 6 else " family inet"
            extra = " range 0-65535" if kind == "bitmap:port" else family
            extra += " timeout 600" * dice.chance(15) + " counters" * dice.chance(10)
            lines.append(f"create {name} {kind}{extra}")
            no = " nomatch" if kind == "hash:net" and dice.chance(20) else ""
            lines += [f"add {name} {member}{no}" for member in members]
        return text + "".join(f"{line}\n" for line in lines)

    def _element(self, kind: str) -> str:
        makers: dict[str, Callable[[], str]] = {
            "ip": lambda: self._member("hash:ip"),
            "net": lambda: self._member("hash:net"),
            "port": self._service,
            "iface": lambda: self.dice.pick([*self.world.links, "lo"]),
        }
        if kind.startswith("bitmap:"):
            return self._member(kind)
        return ",".join(makers[part]() for part in kind.partition(":")[2].split(","))

    def _service(self) -> str:
        proto = self.dice.pick(("tcp", "udp", "sctp", "udplite"))
        return f"{proto}:{self.dice.pick(TCP_PORTS + UDP_PORTS)}"

    def _directions(self, kind: str) -> str:
        parts = kind.partition(":")[2].split(",")
        return ",".join(self.dice.pick(("src", "dst")) for _ in parts)

    def _set(self, hook: str) -> Iterator[str]:
        if not self.sets:
            return
        name = self.dice.pick(self.sets)
        kind, members = self.sets[name]
        if kind in ("hash:ip", "hash:ip,port"):
            side = self.dice.pick(("src", "dst"))
            self._hint.setdefault(side, self.dice.pick(members).split(",")[0])
        yield f"-m set {self._not(15)}--match-set {name} {self._directions(kind)}"

    def _changed_set(self) -> str:
        name = self.dice.pick(self.sets)
        kind, _ = self.sets[name]
        where = f"{name} {self._directions(kind)}"
        return "-j SET " + self.dice.pick(
            (f"--add-set {where}", f"--add-set {where} --exist", f"--del-set {where}")
        )

    # --- matches ---

    def _match(self, table: str, hook: str) -> Iterator[str]:
        if hook == "PREROUTING" and table in ("raw", "mangle") and self.dice.chance(12):
            words = ("", " --loose", " --validmark", " --accept-local", " --invert")
            yield f"-m rpfilter{self.dice.pick(words)}"
            return
        if self.dice.chance(60):
            yield from super()._match(table, hook)
            return
        makers = [
            *(self._string, self._quota, self._connbytes, self._chance),
            *(self._time, self._ecn, self._devgroup, self._realm, self._nothing, self._set),
            *(self._wide_hashlimit, self._wide_recent, self._by_protocol, self._by_protocol),
            *(self._wide_conntrack, self._wide_addrtype, self._wide_owner, self._set),
            self._cluster,
        ]
        yield from self.dice.pick(makers)(hook)

    def _string(self, _: str) -> Iterator[str]:
        dice = self.dice
        if self._hint.get("proto") not in ("tcp", "udp", "udplite"):
            return
        text = dice.pick(("abcdef", "klmno", "ABCDE", "xyzab", "nowhere"))
        word = dice.pick((f"--string {text}", f"--hex-string '|{text.encode().hex()}|'"))
        word = word.replace("'", '"')
        extra = " --icase" * dice.chance(20)
        if dice.chance(30):
            extra += f" --from {dice.randint(0, 60)} --to {dice.randint(40, 200)}"
        algorithm = dice.pick(("bm", "kmp"))
        yield f"-m string {self._not()}{word} --algo {algorithm}{extra}"

    def _quota(self, _: str) -> Iterator[str]:
        yield f"-m quota {self._not(15)}--quota {self.dice.pick((0, 40, 100, 500, 5000))}"

    def _connbytes(self, _: str) -> Iterator[str]:
        dice = self.dice
        mode = dice.pick(("packets", "packets", "bytes", "avgpkt"))
        span = {
            "packets": ("1:3", "2", ":2", "4:"),
            "bytes": ("60:200", "500:", ":100"),
            "avgpkt": ("40:60", "100:", "0:1500"),
        }[mode]
        way = dice.pick(("original", "reply", "both"))
        yield f"-m connbytes {self._not(12)}--connbytes {dice.pick(span)}"
        yield f"--connbytes-dir {way} --connbytes-mode {mode}"

    def _chance(self, _: str) -> Iterator[str]:
        share = self.dice.pick(("0.5", "0.33333333349", "0.1", "1", "0"))
        yield f"-m statistic --mode random {self._not(15)}--probability {share}"

    def _time(self, _: str) -> Iterator[str]:
        dice = self.dice
        yield "-m time " + dice.pick(
            (
                "--timestart 00:00 --timestop 12:00",
                "--timestart 12:00 --timestop 23:59:59",
                "--timestart 18:00 --timestop 06:00",
                "--timestart 18:00 --timestop 06:00 --contiguous --weekdays Mon,Wed,Fri",
                f"{self._not(30)}--weekdays Mon,Tue,Wed,Thu",
                f"{self._not(30)}--monthdays 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
                "--datestart 2020-01-01 --datestop 2037-01-01",
                "--datestart 2037-01-01",
            )
        )

    def _ecn(self, _: str) -> Iterator[str]:
        yield f"-m ecn {self._not(20)}--ecn-ip-ect {self.dice.randint(0, 3)}"

    def _devgroup(self, hook: str) -> Iterator[str]:
        group = self.dice.pick(("0", "default", "1", "0/0xff"))
        if hook in INCOMING:
            yield f"-m devgroup {self._not(20)}--src-group {group}"
        else:
            yield f"-m devgroup {self._not(20)}--dst-group {group}"

    def _realm(self, _: str) -> Iterator[str]:
        if self.family == 4:
            yield f"-m realm {self._not(30)}--realm {self.dice.pick(('0', '5', '0/0xff'))}"

    def _nothing(self, hook: str) -> Iterator[str]:
        """Matches about what no packet here has."""
        both = ["-m helper --helper ftp", "-m helper ! --helper sip"]
        both += ["-m policy --dir in --pol none" if hook in INCOMING else "-m comment --comment x"]
        if hook in INCOMING:
            both += ["-m physdev ! --physdev-is-bridged", "-m physdev --physdev-is-in"]
        four = ["-f", "! -f"]
        six = ["-m frag", "-m hbh", "-m dst", "-m rt --rt-type 0", "-m ipv6header --header esp"]
        six += ["-m ipv6header --header frag --soft", "-m ipv6header ! --header dst --soft"]
        yield self.dice.pick(both + (four if self.family == 4 else six))

    def _cluster(self, _: str) -> Iterator[str]:
        node = self.dice.pick(("--cluster-local-node 1", "--cluster-local-nodemask 0x5"))
        yield f"-m cluster --cluster-total-nodes 4 {self._not()}{node} --cluster-hash-seed 0xbeef"

    def _wide_hashlimit(self, _: str) -> Iterator[str]:
        dice = self.dice
        modes = words("srcip dstip srcport dstport srcip,srcport dstip,dstport srcip,dstip,dstport")
        mode = dice.pick(modes)
        rate = dice.pick(("3/min", "1/hour", "10/day", "200/hour"))
        mask = ""
        if "srcip" in mode and dice.chance(50):
            bits = dice.pick((8, 24, 30) if self.family == 4 else (48, 64))
            mask = f" --hashlimit-srcmask {bits}"
        way = dice.pick(("upto", "upto", "above"))
        yield f"-m hashlimit {self._not(5)}--hashlimit-{way} {rate}"
        yield f"--hashlimit-burst {dice.randint(1, 4)} --hashlimit-mode {mode}{mask}"
        yield f"--hashlimit-name {self._new_name('hl')}"

    def _wide_recent(self, _: str) -> Iterator[str]:
        dice = self.dice
        name = dice.pick(("", " --name SSH", " --name portscan"))
        mask = " --mask " + ("255.255.255.0" if self.family == 4 else "ffff:ffff:ffff:ffff::")
        side = dice.pick(("", "", " --rdest")) + mask * dice.chance(20)
        yield f"-m recent {self._not()}" + dice.pick(
            (
                f"--set{name}{side}",
                f"--rcheck{name}{side}",
                f"--update --seconds 60 --hitcount 2 --rttl{name}{side}",
                f"--rcheck --seconds 60 --reap{name}{side}",
                f"--remove{name}{side}",
            )
        )

    def _by_protocol(self, _: str) -> Iterator[str]:
        """What only packets of one protocol have, where the rule asks for that protocol."""
        dice, proto = self.dice, self._hint.get("proto")
        chunks = ",".join(dice.some(SCTP_CHUNKS, dice.randint(1, 3)))
        mss = dice.pick(("1460", "500:1459", "1:65535"))
        how = dice.pick(("any", "all", "only"))
        options = (f"-m tcp {self._not(20)}--tcp-option 2", f"-m tcpmss --mss {mss}")
        found = {
            "sctp": f"-m sctp {self._not()}--chunk-types {how} {chunks}",
            "tcp": dice.pick(options),
            50: f"-m esp {self._not()}--espspi {dice.pick(('1633837924', '5:77', '1000:'))}",
            "udp": f"-m conntrack {self._not()}--ctexpire {dice.pick(('1:1000', '0', '100:'))}",
        }
        if proto in found:
            yield found[proto]

    def _wide_conntrack(self, _: str) -> Iterator[str]:
        dice = self.dice
        yield "-m conntrack " + dice.pick(
            (
                f"{self._not()}--ctproto {dice.pick(words('tcp udp sctp icmp 58 50'))}",
                f"{self._not()}--ctreplsrcport {dice.pick(TCP_PORTS)}:65535",
                f"{self._not()}--ctrepldstport {dice.pick(('1024:65535', '1:1023'))}",
                f"{self._not()}--ctorigdstport {dice.pick(UDP_PORTS)}",
                f"--ctstate {dice.pick(('NEW', 'ESTABLISHED'))} --ctstatus SEEN_REPLY",
                f"{self._not(30)}--ctstatus {dice.pick(words('SEEN_REPLY,ASSURED EXPECTED,NONE'))}",
                f"--ctproto tcp {self._not()}--ctorigdst {self.world.anyone(dice)}",
            )
        )

    def _wide_addrtype(self, hook: str) -> Iterator[str]:
        dice = self.dice
        kinds = words("UNICAST LOCAL MULTICAST UNSPEC UNREACHABLE,PROHIBIT LOCAL,MULTICAST")
        kinds += ("ANYCAST", "PROHIBIT", "BROADCAST,MULTICAST") if self.family == 4 else ()
        limit = " --limit-iface-in" if hook in INCOMING else " --limit-iface-out"
        if hook == "FORWARD":
            limit = dice.pick((limit, " --limit-iface-out"))
        sides = f"{self._not()}--src-type {dice.pick(kinds)}"
        if dice.chance(50):
            sides += f" {self._not()}--dst-type {dice.pick(kinds)}"
        yield f"-m addrtype {sides}{limit * dice.chance(40)}"

    def _wide_owner(self, hook: str) -> Iterator[str]:
        if hook in ("OUTPUT", "POSTROUTING"):
            self._hint["uid"] = self.dice.pick((33, 1000))
            yield "-m owner " + self.dice.pick(
                (
                    f"{self._not(30)}--uid-owner 33",
                    f"{self._not(30)}--gid-owner 100",
                    f"{self._not(30)}--socket-exists",
                    f"{self._not()}--uid-owner 0-999 {self._not()}--gid-owner 0-1000",
                )
            )

    # --- targets ---

    def _target(self, table: str, hook: str, calls: list[str]) -> tuple[str, str]:
        if self.sets and self.dice.chance(10):
            return self._changed_set(), ""
        return super()._target(table, hook, calls)

    def _log(self) -> str:
        if self.dice.chance(50):
            return super()._log()
        return self.dice.pick(
            (
                '-j LOG --log-prefix "all: " --log-tcp-sequence --log-tcp-options --log-uid',
                "-j LOG --log-ip-options --log-level 7 --log-macdecode",
                "-j NFLOG --nflog-group 9 --nflog-size 64",
                '-j NFLOG --nflog-prefix "a b" --nflog-threshold 2',
            )
        )

    def _raw_target(self, hook: str) -> tuple[str, str]:
        if self.dice.chance(60):
            return super()._raw_target(hook)
        return self.dice.pick(
            (
                "-j CT --zone-orig 3",
                "-j CT --zone-reply 4",
                "-j CT --zone mark",
                "-j CT --zone 7",
                "-j CT",
            )
        ), ""

    def _mangle_target(self, hook: str) -> tuple[str, str]:
        dice = self.dice
        if dice.chance(65):
            return super()._mangle_target(hook)
        if dice.chance(12) and (rare := self._rare_target(hook)):
            return rare, ""
        mark, shift = dice.pick(MARKS), dice.randint(1, 12)
        way = dice.pick((f" --left-shift-mark {shift}", f" --right-shift-mark {shift}"))
        words = (
            f"-j CONNMARK --set-xmark {mark:#x}/{mark:#x}{way}",
            f"-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00{way}",
            f"-j CONNMARK --restore-mark --nfmask 0xff0 --ctmask 0xffff{way}",
            f"-j CONNMARK --xor-mark {mark:#x}",
            f"-j MARK --set-xmark {mark:#x}/0x0",
            "-j TOS --set-tos 0x12/0xff",
            "-j TOS --set-tos 0xff/0x03",
            "-j CHECKSUM --checksum-fill",
            "-j TTL --ttl-dec 70" if self.family == 4 else "-j HL --hl-dec 70",
            "-j TTL --ttl-inc 200" if self.family == 4 else "-j HL --hl-inc 200",
            "-j DSCP --set-dscp 0",
        )
        if dice.chance(8) and self.family == 4:
            return f"-j ECN {dice.pick(ECN_TARGETS)}", ""
        return dice.pick(words), ""

    def _rare_target(self, hook: str) -> str:
        if self._hint.get("proto") == "tcp" and self.dice.chance(50):
            return f"-j TCPOPTSTRIP --strip-options {self.dice.pick(('2', 'mss,wscale', '8'))}"
        prefixes = "--src-pfx 2001:db8:1::/64 --dst-pfx 2001:db8:9::/64"
        kind = {"PREROUTING": "DNPT", "POSTROUTING": "SNPT"}.get(hook)
        return f"-j {kind} {prefixes}" if self.family == 6 and kind else ""

    def _nat_target(self, hook: str) -> tuple[str, str]:
        dice = self.dice
        if dice.chance(85):
            return super()._nat_target(hook)
        if hook == "POSTROUTING":
            words = ("--random", "--random-fully", "--to-ports 4000-4003 --random")
            word = dice.pick(words)
            return f"-j MASQUERADE {word}", "ports" if "ports" in word else ""
        address = dice.pick(self.world.links[dice.pick(self.world.links)] or ["192.0.2.1"])
        shown = address if self.family == 4 else f"[{address}]"
        if hook == "INPUT":
            return f"-j SNAT --to-source {shown}:3000-3002", "ports"
        words = (
            f"-j DNAT --to-destination {shown}:8000-8003 --random",
            f"-j DNAT --to-destination {shown}:8000-8100/80",
            f"-j DNAT --to-destination {shown}:443-443",
            "-j REDIRECT --to-ports 9000-9003 --random",
        )
        return dice.pick(words), "ports"
