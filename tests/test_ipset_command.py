"""The command ``ipset``: what it says and what it leaves, as release 7.17 does."""

from __future__ import annotations

import pytest

from iptlab import Lab

START = """\
ipset create a hash:ip
ipset create b hash:ip
ipset create nets hash:net
ipset create ports hash:ip,port counters
ipset create all list:set
ipset add a 192.168.1.1
ipset add nets 10.0.0.0/8
ipset add nets 10.1.0.0/16 nomatch
ipset add ports 192.168.1.1,80
ipset add all nets
"""


@pytest.fixture
def lab() -> Lab:
    """A router with some sets."""
    lab = Lab.home_router()
    assert lab.on("router", START).status == 0
    return lab


@pytest.mark.parametrize(
    ("command", "prints"),
    [
        ("ipset list -n", "a\nb\nnets\nports\nall\n"),
        ("ipset -L -n", "a\nb\nnets\nports\nall\n"),
        ("ipset l all | tail -n 2", "Members:\nnets\n"),
        ("ipset save all", "create all list:set size 8\nadd all nets\n"),
        ("ipset add a 192.168.1.0/30 -exist; ipset list a | grep -c 192", "4\n"),
        ("ipset swap a b; ipset list b | tail -n 1", "192.168.1.1\n"),
        ("ipset rename a c; ipset list -n | head -n 1", "c\n"),
        ("ipset flush; ipset list ports | tail -n 1", "Members:\n"),
        ("ipset destroy all; ipset destroy; ipset list", ""),
        ("ipset -! create a hash:ip; ipset -! del a 1.1.1.1", ""),
        ("ipset list ports | tail -n 1", "192.168.1.1,tcp:80 packets 0 bytes 0\n"),
        ("ipset version", "ipset v7.17, protocol version: 7\n"),
        ("ipset save > f; ipset destroy all; ipset destroy; ipset restore < f", ""),
        ("ipset restore -f nothing || echo $?", "255\n"),
        ("ipset save -f f a; ipset -X a; ipset restore -f f; ipset list -n a", "a\n"),
        ("ipset restore <<< 'add b 10.0.0.1'; ipset list b | tail -1", "10.0.0.1\n"),
        ("ipset add b 1.0.0.2; ipset add b 1.0.0.1; ipset list b -s | tail -1", "1.0.0.2\n"),
        ("ipset -N old iphash; ipset list old | grep Type", "Type: hash:ip\n"),
    ],
)
def test_sets_change_as_asked(lab: Lab, command: str, prints: str) -> None:
    done = lab.on("router", command)
    assert (done.stdout, done.status) == (prints, 0)


def test_a_listing_tells_what_a_set_is_and_who_uses_it(lab: Lab) -> None:
    assert lab.on("router", "ipset list nets").stdout == (
        "Name: nets\nType: hash:net\nRevision: 7\n"
        "Header: family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x36feca93\n"
        "Size in memory: 552\nReferences: 1\nNumber of entries: 2\n"
        "Members:\n10.0.0.0/8\n10.1.0.0/16 nomatch\n"
    )


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("ipset", "No command specified."),
        ("ipset foo", "No command specified: unknown argument foo"),
        ("ipset create", "Missing mandatory argument to command create"),
        ("ipset add a", "Missing second mandatory argument to command add"),
        ("ipset add a 1.1.1.1 foo", "Unknown argument: `foo'"),
        ("ipset list a b", "Unknown argument b"),
        ("ipset -f", "Missing mandatory argument to option -f"),
        ("ipset create p bitmap:port", "Mandatory option `range' is missing"),
        ("ipset restore <<< bogus", "No command specified: unknown argument bogus"),
    ],
)
def test_a_wrong_command_line_ends_with_advice(lab: Lab, command: str, complaint: str) -> None:
    done = lab.on("router", command)
    advice = "Try `ipset help' for more information."
    assert (done.stderr, done.status) == (f"ipset v7.17: {complaint}\n{advice}\n", 2)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("ipset -! create a hash:net", "Set cannot be created: set with the same name already"),
        ("ipset destroy nets", "Set cannot be destroyed: it is in use by a kernel component"),
        ("ipset rename nets x", "Set cannot be renamed: it is in use by another system"),
        ("ipset rename a b", "Set cannot be renamed: a set with the new name already exists"),
        ("ipset swap a x", "Sets cannot be swapped: the second set does not exist"),
        ("ipset swap a nets", "The sets cannot be swapped: their type does not match"),
        ("ipset list x", "The set with the given name does not exist"),
        ("ipset restore <<< 'add a 192.168.1.1'", "Error in line 1: Element cannot be added"),
        ("ipset add ports 10.0.0.0/9,1-65535", "Hash is full, cannot add more elements"),
        ("ipset add ports 10.0.0.0/17,1-65535", "Hash is full, cannot add more elements"),
        ("ipset list -o xml", "Syntax error: unknown output mode 'xml'"),
    ],
)
def test_a_refusal_is_worded_as_the_real_one_words_it(
    lab: Lab, command: str, complaint: str
) -> None:
    done = lab.on("router", command)
    assert done.status == 1
    assert done.stderr.startswith(f"ipset v7.17: {complaint}")
    quiet = lab.on("router", command.replace("ipset", "ipset -q", 1))
    assert (quiet.stderr, quiet.status) == ("", 1)


@pytest.mark.parametrize(
    ("element", "answer"),
    [
        ("a 192.168.1.1", "Warning: 192.168.1.1 is in set a."),
        ("a 192.168.1.2", "192.168.1.2 is NOT in set a."),
        ("a 192.168.1.0/30", "192.168.1.0/30 is NOT in set a."),
        ("nets 10.2.0.1", "Warning: 10.2.0.1 is in set nets."),
        ("nets 10.1.0.1", "10.1.0.1 is NOT in set nets."),
        ("nets 10.1.0.0/16", "10.1.0.0/16 is NOT in set nets."),
        ("nets 10.1.0.0/16 nomatch", "Warning: 10.1.0.0/16 is in set nets."),
        ("ports 192.168.1.1,80", "Warning: 192.168.1.1,tcp:80 is in set ports."),
        ("all nets", "Warning: nets is in set all."),
    ],
)
def test_an_element_is_in_a_set_or_not(lab: Lab, element: str, answer: str) -> None:
    done = lab.on("router", f"ipset test {element}")
    assert (done.stderr, done.status) == (f"{answer}\n", int("NOT" in answer))


def test_what_came_before_an_error_of_restore_stays(lab: Lab) -> None:
    done = lab.on(
        "router", "ipset restore <<EOF\nadd b 10.0.0.1\nadd b nonsense\nadd b 10.0.0.2\nEOF"
    )
    assert "Error in line 2: Syntax error: cannot parse nonsense" in done.stderr
    assert lab.on("router", "ipset list b | tail -n 1").stdout == "10.0.0.1\n"


def test_a_rule_keeps_its_set(lab: Lab) -> None:
    lab.on("router", "iptables -A FORWARD -m set --match-set a src -j SET --add-set b src")
    assert "References: 1" in lab.on("router", "ipset list b").stdout
    assert lab.on("router", "ipset destroy a").status == 1
    lab.on("router", "iptables -F; ipset destroy a; ipset destroy b")
    refused = lab.on("router", "iptables -A INPUT -m set --match-set a src -j DROP")
    assert "Set a doesn't exist." in refused.stderr
