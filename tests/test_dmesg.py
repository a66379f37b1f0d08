"""``dmesg`` on virtual machines: what LOG and TRACE wrote, where they wrote it."""

from iptlab import Lab

LOGGING = 'iptables -I FORWARD -p tcp --syn --dport 80 -j LOG --log-prefix "web: "'


def test_a_line_is_written_on_the_machine_whose_rule_it_is() -> None:
    lab = Lab.home_router()
    lab.on("router", LOGGING)
    assert lab.on("router", "dmesg").stdout == ""
    lab.on("laptop", "curl -s http://server/")
    (line,) = lab.on("router", "dmesg").stdout.splitlines()
    assert line.startswith("web: IN=eth1 OUT=eth0 MAC=")
    assert " PROTO=TCP SPT=40000 DPT=80 " in line
    assert lab.on("laptop", "dmesg").stdout == ""


def test_packets_that_a_machine_makes_itself_are_logged_too() -> None:
    lab = Lab.home_router()
    lab.on("router", "iptables -A INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset")
    lab.on("router", 'iptables -A OUTPUT -p tcp --tcp-flags RST RST -j LOG --log-prefix "no: "')
    assert lab.on("laptop", "nc -z -v router 80").status == 1
    assert "no: IN= OUT=eth1 " in lab.on("router", "dmesg | tail -1").stdout


def test_traces_are_written_rule_by_rule() -> None:
    lab = Lab.home_router(rules="")
    lab.on("router", "iptables -t raw -A PREROUTING -p icmp -j TRACE")
    lab.on("laptop", "ping -c 1 router")
    lines = lab.on("router", "dmesg").stdout.splitlines()
    assert lines[0].startswith("TRACE: raw:PREROUTING:policy:2 IN=eth1 ")


def test_what_is_not_modelled_is_refused() -> None:
    told = Lab.home_router().on("router", "dmesg -w")
    assert told.status == 1
    assert "`-w' is not modelled here" in told.stderr
