"""What iptables -L and -S print."""

from shlex import split

import pytest

from iptlab.packet import Family
from iptlab.syntax.command import run

RULES = """*filter
:INPUT DROP [100500:12345678901]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
[99999:100499] -A INPUT -i lo -j ACCEPT
[9999499:9999500] -A INPUT ! -s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp -j web
[0:0] -A INPUT -f -g web
[0:0] -A INPUT -s 127.0.0.1 -d 127.0.0.0/8 ! -p gre
COMMIT
"""


def listed(command: str, rules: str = RULES) -> str:
    argv = split(command)
    family = Family.IPV6 if argv[0] == "ip6tables" else Family.IPV4
    loaded = run({}, [f"{argv[0]}-restore", "-c"], family, rules)
    assert loaded.stderr == ""
    return run(loaded.tables, argv, family).stdout


def marked(text: str) -> str:
    """The text with | at the end of every line, so that its blanks can be seen."""
    return text.replace("\n", "|\n")


# what is printed; | marks where a line ends
PLAIN = """\
Chain INPUT (policy DROP)|
target     prot opt source               destination         |
ACCEPT     all  --  anywhere             anywhere            |
web        tcp  -- !10.0.0.0/8           anywhere             tcp|
web        all  -f  anywhere             anywhere            [goto] |
          !gre  --  localhost            loopback/8          |
"""
NUMERIC = """\
Chain INPUT (policy DROP 101K packets, 12G bytes)|
 pkts bytes target     prot opt in     out     source               destination         |
99999  100K ACCEPT     0    --  lo     *       0.0.0.0/0            0.0.0.0/0           |
9999K   10M web        6    --  !eth0  *      !10.0.0.0/8           0.0.0.0/0            tcp|
    0     0 web        0    -f  *      *       0.0.0.0/0            0.0.0.0/0           [goto] |
    0     0           !47   --  *      *       127.0.0.1            127.0.0.0/8         |
"""
IPV6 = """\
Chain INPUT (policy ACCEPT)|
target     prot opt source               destination         |
DROP       ipv6-icmp --  ::1                 !fe80::/10           |
ACCEPT     all  --  anywhere             anywhere            |
"""
COMMANDS = """\
-P INPUT DROP
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-N web
-A INPUT -i lo -j ACCEPT
-A INPUT ! -s 10.0.0.0/8 ! -i eth0 -p tcp -m tcp -j web
-A INPUT -f -g web
-A INPUT -s 127.0.0.1/32 -d 127.0.0.0/8 ! -p gre
"""


def test_the_columns_of_a_plain_listing() -> None:
    assert marked(listed("iptables -L INPUT")) == PLAIN


def test_the_columns_of_a_numeric_verbose_listing() -> None:
    assert marked(listed("iptables -L INPUT -nv")) == NUMERIC


def test_line_numbers_come_first() -> None:
    shown = listed("iptables -L INPUT -n --line-numbers").split("\n")
    assert [line[:12] for line in shown[1:4]] == ["num  target ", "1    ACCEPT ", "2    web    "]


def test_exact_counters_are_not_shortened() -> None:
    shown = listed("iptables -L INPUT -nvx").split("\n")
    assert shown[0] == "Chain INPUT (policy DROP 100500 packets, 12345678901 bytes)"
    assert shown[1].startswith("    pkts      bytes target")
    assert shown[2].startswith("   99999   100499 ACCEPT")


# as counted, as shown
SHORTENED = {
    0: "0",
    99999: "99999",
    100000: "100K",
    100499: "100K",
    100500: "101K",
    9999499: "9999K",
    9999500: "10M",
    9999499499: "9999M",
    9999499999: "10G",
    9999499498999: "9999G",
    9999499999999: "10T",
    2**64 - 1: "0K",
}


@pytest.mark.parametrize("count", SHORTENED)
def test_counters_are_shortened_by_thousands(count: int) -> None:
    shown = listed("iptables -L INPUT -nv", f"*filter\n[{count}:0] -A INPUT\nCOMMIT\n")
    assert shown.split("\n")[2].split()[0] == SHORTENED[count]


def test_chains_are_separated_and_references_counted() -> None:
    shown = listed("iptables -L -n").split("\n\n")
    assert [block.split("\n")[0] for block in shown] == [
        "Chain INPUT (policy DROP)",
        "Chain FORWARD (policy ACCEPT)",
        "Chain OUTPUT (policy ACCEPT)",
        "Chain web (2 references)",
    ]


def test_one_rule_is_listed_without_a_header() -> None:
    assert listed("iptables -L INPUT 1 -n").startswith("ACCEPT     0    --  0.0.0.0/0")
    assert listed("iptables -L INPUT 9 -n") == ""


def test_names_too_long_for_a_column_push_the_rest() -> None:
    rules = (
        "*nat\n-A POSTROUTING -s 10.0.0.0/255.0.255.0 -p ipencap -j MASQUERADE\n"
        "-A PREROUTING -i verylongiface12\nCOMMIT\n"
    )
    shown = listed("iptables -t nat -L -v", rules)
    assert "    0     0 MASQUERADE  ipencap --  any    any     10.0.0.0/255.0.255.0  any" in shown
    assert "    0     0            all  --  verylongiface12 any     anywhere" in shown


def test_ipv6_listings() -> None:
    rules = (
        "*filter\n-A INPUT -s ::1 ! -d fe80::/10 -p icmpv6 -j DROP\n-A INPUT -j ACCEPT\nCOMMIT\n"
    )
    assert marked(listed("ip6tables -L INPUT", rules)) == IPV6
    assert "DROP       58   --  ::1                 !fe80::/10" in listed("ip6tables -nL", rules)


def test_list_rules_prints_commands() -> None:
    assert listed("iptables -S") == COMMANDS


def test_list_rules_of_one_chain_with_counters() -> None:
    assert listed("iptables -S web -v") == "-N web\n"
    assert listed("iptables -S INPUT 1 -v") == "-A INPUT -i lo -c 99999 100499 -j ACCEPT\n"


def test_listing_and_zeroing_in_one_command() -> None:
    loaded = run({}, ["iptables-restore", "-c"], Family.IPV4, RULES)
    both = run(loaded.tables, split("iptables -L INPUT -Z -nv"))
    assert " 101K packets" in both.stdout
    assert " 0 packets" in run(both.tables, split("iptables -L INPUT -nv")).stdout


# a rule, and the line with which -v -A shows it
SHOWN = {
    "-s 1.2.3.4 -p tcp --dport 80 -j ACCEPT": "ACCEPT  tcp opt -- in * out *  1.2.3.4  "
    "-> 0.0.0.0/0   tcp dpt:80",
    "! -p gre -f -i eth0 -j DROP": "DROP !47 opt -f in eth0 out *  0.0.0.0/0  -> 0.0.0.0/0  ",
    "! -d 10.0.0.0/8 -g web": "web  all opt -- in * out *  0.0.0.0/0 !-> 10.0.0.0/8  [goto] ",
    "": "  all opt -- in * out *  0.0.0.0/0  -> 0.0.0.0/0  ",
}


@pytest.mark.parametrize("rule", SHOWN)
def test_verbose_commands_show_the_rule(rule: str) -> None:
    assert listed(f"iptables -v -A INPUT {rule}") == SHOWN[rule] + "\n"
