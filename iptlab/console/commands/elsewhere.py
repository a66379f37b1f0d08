"""Commands that people type and that are not here, each with what does its work instead."""

from __future__ import annotations

from collections.abc import Sequence

from iptlab.console.command import Output, Session, register_command

# man pages of iproute2 name the same successors: ip-address(8), ip-route(8), ss(8)
_INSTEAD = {
    **dict.fromkeys(("traceroute", "tracepath", "mtr"), "lab.last shows the way of each packet"),
    **dict.fromkeys(("tcpdump", "tshark"), "lab.last shows each packet on every machine"),
    **dict.fromkeys(("nft", "ufw", "firewall-cmd"), "iptables and ip6tables change the rules"),
    **dict.fromkeys(("apt", "apt-get", "dnf", "yum"), "what this course needs is installed"),
    **dict.fromkeys(("less", "more"), "all is shown at once, and | head shows the beginning"),
    **dict.fromkeys(("nano", "vi", "vim"), "cat > FILE <<'EOF' writes a file"),
    "ls": "cat FILE shows a file",
    "sed": "awk, cut, grep and head take text apart",
    "ssh": "nc -v ADDRESS 22 asks whether it answers",
    "nmap": "nc -zv ADDRESS FIRST-LAST tries a range of ports",
    "ifconfig": "ip addr and ip link show and change interfaces",
    "route": "ip route shows and changes routes",
    "arp": "ip neigh shows the neighbours",
    "netstat": "ss -lnt shows who listens, ip route the routes",
    "wget": "curl fetches pages",
    "telnet": "nc -v ADDRESS PORT connects to a port",
    "nslookup": "host NAME and dig NAME ask a name server",
}


@register_command(*_INSTEAD)
def elsewhere(session: Session, words: Sequence[str]) -> Output:
    """Say what to type instead."""
    name = words[0]
    return Output(stderr=f"{name}: not on this machine; {_INSTEAD[name]}.\n", status=127)
