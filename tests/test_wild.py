"""Rules as they are found in forums, bug reports and old files.

The dumps in tests/data/found-dumps.tar.xz are in the style of distributions, routers, firewall
generators and clusters, with all that happens to such texts on their way: prompts, quotation
marks, masked addresses, half a table, modules that nobody has any more.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import iptlab
from iptlab import RuleError, Ruleset, RulesetError
from iptlab.matches.unmodelled import ForeignMatch, HiddenMatch, UnreadMatch
from iptlab.netfilter.hooks import TableName
from iptlab.netfilter.rules import Counters, Jump, Rule
from iptlab.packet import Family
from iptlab.syntax.grammar import Command
from iptlab.syntax.listing import listed
from iptlab.targets.unmodelled import AbsentChain, ForeignTarget, HiddenTarget, UnreadTarget

with tarfile.open(Path(__file__).parent / "data" / "found-dumps.tar.xz") as packed:
    DUMPS = {
        Path(member.name).stem: (packed.extractfile(member).read().decode(), int(member.name[-1]))  # type: ignore[union-attr]
        for member in packed
    }


def read(text: str, family: int = 4) -> Ruleset:
    return Ruleset.parse(text, family, strict=False)


def rules_of(ruleset: Ruleset) -> Iterator[Rule]:
    for table in ruleset.tables.values():
        for chain in table.ordered():
            yield from chain.rules


def unread(rule: Rule) -> list[str]:
    """The parts of a rule that cannot be read."""
    kinds = (UnreadMatch, UnreadTarget)
    return [str(part) for part in rule.extensions() if isinstance(part, kinds)]


def in_filter(*lines: str) -> str:
    return "\n".join(["*filter", ":INPUT ACCEPT [0:0]", *lines, "COMMIT", ""])


# --- all dumps ---


def test_every_dump_is_read_and_most_rules_are_understood_to_the_last_word() -> None:
    rules = [rule for text, family in DUMPS.values() for rule in rules_of(read(text, family))]
    assert len(DUMPS) >= 70
    assert len(rules) >= 490
    assert len([rule for rule in rules if not unread(rule)]) / len(rules) > 0.85


@pytest.mark.parametrize("name", sorted(DUMPS.keys() - {"wrapped", "typos"}))
def test_every_rule_is_printed_back_as_it_was_found(name: str) -> None:
    text, family = DUMPS[name]
    lines = re.findall(r"(?m)^(?:> |\d+\. |[ \t]*)(?:\[\S+:\S+\] )?(-A .*?)[ \t\r]*$", text)
    printed = re.sub(r"(?m)^\[\d+:\d+\] ", "", read(text, family).save()).split("\n")
    assert not {line.replace("\xa0", " ") for line in lines} - {line.strip() for line in printed}


@pytest.mark.parametrize("name", DUMPS)
def test_printing_is_a_fixed_point(name: str) -> None:
    text, family = DUMPS[name]
    printed = read(text, family).save()
    again = read(printed, family)
    assert again.save() == printed
    assert again.tables == read(text, family).tables


# --- one thing each ---


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("-s ! 10.0.0.0/8", "! -s 10.0.0.0/8"),
        ("-p ! tcp -i ! eth0", "! -i eth0 ! -p tcp"),
        ("-p tcp -m tcp --dport ! 22 --tcp-flags ! SYN,RST SYN", None),
        ("-m state --state ! NEW", "-m state ! --state NEW"),
        ("-m time --days Mon,Tue", "-m time --weekdays Mon,Tue"),
        ("-m random --average 50", "-m statistic --mode random --probability 0.5"),
        ("-m nth --every 3", "-m statistic --mode nth --every 3 --packet 0"),
        ("-p tcp -m mport --dports 80,443", "-p tcp -m multiport --dports 80,443"),
        ("-m string --string cmd.exe", "-m string --string cmd.exe --algo bm"),
        ("-j LOG --log-level warn", "-j LOG --log-level warning"),
        ("-p tcp \u2013dport 80", "-p tcp --dport 80"),
        ("-p ipv6-crypt -j ACCEPT", "-p esp -j ACCEPT"),
        (" -p tcp   -j ACCEPT", "-p tcp -j ACCEPT"),
        (
            "-p tcp -m iplimit --iplimit-above 3 --iplimit-mask 24",
            "-p tcp -m connlimit --connlimit-above 3 --connlimit-mask 24",
        ),
        ("-m comment --comment 'my web'", '-m comment --comment "my web"'),
        ("-m comment --comment \u201cmy web\u201d", '-m comment --comment "my web"'),
    ],
)
def test_old_spellings_mean_what_they_meant(old: str, today: str | None) -> None:
    today = today or "-p tcp -m tcp ! --dport 22 ! --tcp-flags SYN,RST SYN"
    (found,) = rules_of(read(in_filter(f"-A INPUT {old}")))
    assert found == next(rules_of(Ruleset.parse(in_filter(f"-A INPUT {today}"))))
    assert str(found) == old


@pytest.mark.parametrize(
    ("line", "kept", "rest"),
    [
        ("-s 10.0.0.300 -p tcp -j DROP", ["-s 10.0.0.300"], "-p tcp -j DROP"),
        ("-p tcp -m geoip --src-xy CN -j DROP", ["--src-xy CN"], "-p tcp -j DROP"),
        ("-p tcp -m unheard --of CN -j DROP", ["-m unheard --of CN"], "-p tcp -j DROP"),
        ("-p udp -m unheard --mask 0xff/0xf", ["-m unheard --mask 0xff/0xf"], "-p udp"),
        ("-p udp -j UNHEARD --of", ["-j UNHEARD --of"], "-p udp"),
        ("-p tcp --dport 80,443 -j DROP", ["--dport 80,443"], "-p tcp -j DROP"),
        ("-p tcp -j DROP <== note", ["<== note"], "-p tcp -j DROP"),
        ("-m owner --uid-owner 0 -j DROP", ["-m owner --uid-owner 0"], "-j DROP"),
    ],
)
def test_what_cannot_be_read_is_cut_off_from_the_rest(
    line: str, kept: list[str], rest: str
) -> None:
    (rule,) = rules_of(read(in_filter(f"-A INPUT {line}")))
    assert unread(rule) == kept
    plain = next(rules_of(Ruleset.parse(in_filter(f"-A INPUT {rest}".rstrip()))))
    assert rule.header == plain.header
    assert rule.target == plain.target or isinstance(rule.target, UnreadTarget)
    assert str(rule) == line


@pytest.mark.parametrize(
    ("line", "words", "origin"),
    [
        ("-p tcp -m geoip ! --src-cc CN,RU -j DROP", "-m geoip ! --src-cc CN,RU", "xtables-addons"),
        (
            "-m condition --condition ! night -j DROP",
            "-m condition --condition ! night",
            "xtables-",
        ),
        ("-m layer7 --l7proto ssh -s 10.0.0.1 -j DROP", "-m layer7 --l7proto ssh", "l7-filter"),
        ("-m ndpi --ssh -j DROP", "-m ndpi --ssh", "nDPI"),
        ("-m unclean -j DROP", "-m unclean", "Linux 2.4"),
        ("-m owner --cmd-owner ntpd -j DROP", "-m owner --cmd-owner ntpd", "Linux before 2.6.14"),
        ("-p tcp -m pknock --name a --strict --dport 22", "-m pknock --name a --strict", "addons"),
        ("-i ppp0 -j ROUTE --gw 10.0.0.1 --tee", "-j ROUTE --gw 10.0.0.1 --tee", "patch-o-matic"),
        ("-j IPMARK --addr=src --or-mask=0x1", "-j IPMARK --addr=src --or-mask=0x1", "addons"),
        ("-j TRIGGER --trigger-proto --trigger-match 0-0", "-j TRIGGER --trigger-proto", "DD-WRT"),
        ("-p tcp -j TARPIT", "-j TARPIT", "xtables-addons"),
        ("-j IDLETIMER --timeout 5 --label 1 --send_nl_msg 1", "-j IDLETIMER", "Android"),
        ("-j MARK --set-mark-return 5", "-j MARK --set-mark-return 5", "Tomato"),
    ],
)
def test_a_module_that_is_in_no_kernel_is_known_by_name(line: str, words: str, origin: str) -> None:
    found = read(in_filter(f"-A INPUT {line}", "-A OUTPUT -j ACCEPT", f"-A INPUT {line}"))
    rule = next(rules_of(found))
    (foreign,) = (
        part for part in rule.extensions() if isinstance(part, ForeignMatch | ForeignTarget)
    )
    assert str(foreign).startswith(words)
    assert origin in foreign.origin
    assert unread(rule) == []
    assert str(rule) == line
    assert [note.why.split(" is ")[0] for note in found.notes] == [foreign.module]
    assert f"has `{foreign}', of {foreign.origin}:" in iptlab.explain(found)


@pytest.mark.parametrize("line", ["-m geoip --src-cc CN -j DROP", "-p tcp -j TARPIT"])
def test_nobody_can_tell_what_a_foreign_module_does(line: str) -> None:
    rules = read(in_filter(f"-A INPUT {line}"))
    told = iptlab.trace(rules, "tcp 10.0.0.9:1 -> 10.0.0.1:22").conclusion
    assert "a module of xtables-addons, which iptlab does not model" in told


def test_a_chain_may_have_the_name_of_a_foreign_target() -> None:
    rules = read(in_filter("-N ECHO", "-A INPUT -m geoip --src-cc CN -j ECHO", "-A ECHO -j DROP"))
    assert next(rules_of(rules)).target == Jump("ECHO")


def test_what_only_the_machine_of_the_text_had_is_no_mistake() -> None:
    (rule,) = rules_of(read(in_filter("-A INPUT -m nfacct --nfacct-name web")))
    assert unread(rule) == []


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("-s x.x.x.x/32 -p tcp -j DROP", ["-s x.x.x.x/32"]),
        ("-s 10.0.*.* -j DROP", ["-s 10.0.*.*"]),
        ("-s a.example -d b.example/24", ["-s a.example", "-d b.example/24"]),
        ("! -d <my-address> -j DROP", ["! -d <my-address>"]),
        ("-p tcp -d ${WAN} --dport $PORT -j ACCEPT", ["-d ${WAN}", "--dport $PORT"]),
        ("-p tcp --dport {{ web_port }} -j ACCEPT", ["--dport {{web_port}}"]),
        ("-m mac --mac-source 00:1a:xx:xx:xx:xx", ["-m mac --mac-source 00:1a:xx:xx:xx:xx"]),
        ("-m owner --uid-owner squid -j ACCEPT", ["-m owner --uid-owner squid"]),
        ("-j NFLOG --nflog-group #", ["-j NFLOG --nflog-group #"]),
        ("-p tcp $NEW -j $LOG --log-prefix a", ["$NEW", "-j $LOG --log-prefix a"]),
        ("-m limit [unsupported revision] -j DROP", ["-m limit [unsupported revision]"]),
        ("-p tcp -j CT [unsupported revision]", ["-j CT [unsupported revision]"]),
        ("-j X [8 bytes of unknown target data]", ["-j X [8 bytes of unknown target data]"]),
    ],
)
def test_a_value_that_was_hidden_is_known_to_be_one(line: str, hidden: list[str]) -> None:
    (rule,) = rules_of(read(in_filter(f"-A INPUT {line}")))
    parts = [part for part in rule.extensions() if isinstance(part, HiddenMatch | HiddenTarget)]
    assert [str(part) for part in parts] == hidden
    assert unread(rule) == []
    assert str(rule) == line


def test_a_chain_that_was_cut_off_is_jumped_to_and_nobody_can_tell_what_it_does() -> None:
    rules = read(in_filter("-A INPUT -p udp -j elsewhere", "-A INPUT -p tcp -g away"))
    (udp, tcp) = rules_of(rules)
    assert (udp.target, tcp.target) == (AbsentChain("elsewhere"), AbsentChain("away", goto=True))
    told = iptlab.trace(rules, "udp 10.0.0.9:1 -> 10.0.0.1:2").conclusion
    assert "there is no chain elsewhere in this text" in told


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("-s10.0.0.0/8 -ptcp -jDROP", "-s 10.0.0.0/8 -p tcp -j DROP"),
        ("-p tcp --dport 80 -j DROP    # the web", "-p tcp --dport 80 -j DROP"),
        ("-j LOG --log-prefix #5", "-j LOG --log-prefix #5"),
    ],
)
def test_remarks_and_missing_blanks_do_no_harm(line: str, plain: str) -> None:
    (found,) = rules_of(read(in_filter(f"-A INPUT {line}")))
    assert found == next(rules_of(Ruleset.parse(in_filter(f"-A INPUT {plain}"))))
    assert str(found) == line


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "> {}",
        "  12. {}",
        " 12 {}",
        "12: {}",
        "    '{}',",
        '    "{}",',
        '"{}\\n"',
        "<pre>{}</pre>",
        '<p><span class="x">{}</span><br/>',
        "[init] {}",
        "+{}",
        "++++ {}",
        "| {}",
        "Jan  3 12:00:01 host iptables[123]: {}",
    ],
)
def test_what_stands_around_every_line_is_taken_off(around: str) -> None:
    text = ["*nat", ":web - [0:0]", "-A PREROUTING -p tcp -j web", "[1:60] -A web -j RETURN"]
    found = read("\n".join(around.format(line) for line in [*text, "COMMIT"]))
    assert found == read("\n".join([*text, "COMMIT"]))


def test_marks_of_a_web_page_are_what_they_stand_for() -> None:
    (rule,) = rules_of(
        read("<pre>*filter</pre>\n<pre>-A INPUT -j LOG --log-prefix &quot;a &gt; b&quot;</pre>\n")
    )
    assert str(rule) == '-j LOG --log-prefix "a > b"'


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("-j ACC{}EPT", "-j ACCEPT"),
        ("-j DNAT --to 10.0.{}0.9:22", "-j DNAT --to-destination 10.0.0.9:22"),
        ("--tcp-flags SYN{} SYN", "--tcp-flags SYN SYN"),
        ("-m state --state{} NEW", "-m state --state NEW"),
    ],
)
def test_a_line_copied_from_a_window_has_blanks_behind_its_last_column(
    line: str, plain: str
) -> None:
    start = "-A PREROUTING -s 10.0.0.1/32 -i enp3s0f1 -p tcp -m tcp "
    before, after = f"{start}{line}".split("{}")
    wide = start.ljust(80 - len(before) + len(start)) + before[len(start) :]
    rest = f"{wide}{' ' * 123}{after}"
    (found,) = rules_of(read(f"*nat\n{rest}\nCOMMIT\n"))
    (meant,) = rules_of(read(f"*nat\n{start}{plain}\nCOMMIT\n"))
    assert found == meant
    assert f"-A PREROUTING {found}" == rest


def test_each_rule_that_the_kernel_refuses_is_kept_as_unread() -> None:
    lines = (
        *("-N a", "-A INPUT -m owner --uid-owner 0 -p tcp -j DNAT --to 10.0.0.1", "-A a -j a"),
        *("-A OUTPUT -j a", "-A OUTPUT -j INPUT", "-A a -m rpfilter -j DROP", "-A OUTPUT -j INPUT"),
    )
    assert [(str(rule), len(unread(rule))) for rule in rules_of(read(in_filter(*lines)))] == [
        ("-m owner --uid-owner 0 -p tcp -j DNAT --to 10.0.0.1", 2),
        *(("-j a", 0), ("-j INPUT", 1), ("-j INPUT", 1)),
        *(("-j a", 1), ("-m rpfilter -j DROP", 1)),
    ]


@pytest.mark.parametrize("line", ["-A INPUT -j", "-A INPUT -j LOG --log-prefix"])
def test_a_rule_that_is_cut_off_can_be_listed(line: str) -> None:
    table = read(in_filter(line)).table(TableName.FILTER)
    (row,) = listed(table, Command("-L", "INPUT"), Family.IPV4, {})[2:]
    assert row[:10].split() == line.split()[3:4]


def test_a_table_that_comes_again_is_printed_before_the_one_that_counts() -> None:
    one, two = (in_filter(f"-A INPUT -s 10.0.0.{n}/32 -j DROP", "and so on") for n in (1, 2))
    nat = "*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j RETURN\nCOMMIT\n"
    found = read(f"host# one\n{nat}{one}host# two\n{nat}{two}")
    assert [str(rule) for rule in rules_of(found)] == ["-j RETURN", "-s 10.0.0.2/32 -j DROP"]
    assert read(found.save()).tables == found.tables
    assert read(found.save()).save() == found.save()
    assert (found.save().count("10.0.0.1/32"), found.save().count("and so on")) == (1, 2)


@pytest.mark.parametrize(
    ("lines", "table"),
    [
        (["-A web -j RETURN", "COMMIT", "*filter", "COMMIT"], "nat"),
        (["-A FORWARD -j MARK --set-mark 1", "COMMIT", "*filter", "COMMIT"], "mangle"),
        (["-A web -j REDIRECT --to-ports 80", "-A OUTPUT -j web"], "nat"),
        (["-A web -j REDIRECT --to-ports 80", "-A FORWARD -j ACCEPT"], "filter"),
        (["-A web -j ACCEPT"], "filter"),
        (["iptables -t nat -A OUTPUT -j REDIRECT", "iptables -A INPUT -j DROP"], "nat"),
    ],
)
def test_rules_without_a_table_are_of_the_one_that_knows_their_targets(
    lines: list[str], table: str
) -> None:
    assert next(iter(read("\n".join(lines)).tables)) == table


@pytest.mark.parametrize(
    "line",
    [
        "iptables -t nat -A OUTPUT -p tcp -j RETURN",
        "/sbin/iptables -w 5 -t nat -A OUTPUT -p tcp -j RETURN",
        '"$IPT" --table nat -A OUTPUT -p tcp -j RETURN',
        "${fw} -t nat -A OUTPUT -p tcp -j RETURN",
        "$ sudo iptables -t nat -A OUTPUT -p tcp -j RETURN",
        "[root@host ~]# iptables -t nat -A OUTPUT -p tcp -j RETURN",
        "root@host:/etc# iptables -t nat -A OUTPUT -p tcp -j RETURN",
        "# iptables -t nat -A OUTPUT -p tcp -j RETURN",
        "iptables -t nat -A OUTPUT -p tcp \\\n  -j RETURN",
        "iptables -t nat -A OUTPUT -p tcp -j RETURN 2> /dev/null",
        "iptables -t nat -A OUTPUT -p tcp -j RETURN >/dev/null 2>&1 && echo done",
        "[ -n $x ] && iptables -t nat -A OUTPUT -p tcp -j RETURN; exit",
        "if ! iptables -C OUTPUT; then iptables -t nat -A OUTPUT -p tcp -j RETURN; fi",
    ],
)
def test_a_command_is_found_in_a_script_or_behind_a_prompt(line: str) -> None:
    found = read(line)
    assert list(found.tables) == ["nat"]
    assert [str(rule) for rule in rules_of(found)] == ["-p tcp -j RETURN"]
    whole = line.replace("\\\n ", "")
    assert [note.text for note in found.notes] == [whole] * (";" in line or "&& echo" in line)


def test_a_command_of_a_script_is_for_the_filter_table_unless_it_names_another() -> None:
    lines = "iptables -t mangle -A OUTPUT -j RETURN", "iptables -A OUTPUT -p tcp -j REJECT"
    assert [*read("\n".join(lines)).tables] == ["mangle", "filter"]


def test_what_a_script_has_in_a_remark_or_a_quotation_is_no_command() -> None:
    lines = (
        *("iptables -A OUTPUT -j RETURN", "#iptables -A OUTPUT -j DROP", "$EBTABLES -A FORWARD"),
        'iptables -A INPUT -m comment --comment "a; iptables -A OUTPUT && > b"',
    )
    found = read("\n".join(lines))
    assert [str(rule) for rule in rules_of(found)] == [
        *('-m comment --comment "a; iptables -A OUTPUT && > b"', "-j RETURN")
    ]
    assert read(found.save()).tables == found.tables


def test_a_session_around_a_dump_takes_nothing_from_it() -> None:
    dump = in_filter("-A INPUT -j DROP")
    found = read(f"# iptables -S\n{dump}$ iptables -F\n$ iptables -A INPUT -p tcp -j RETURN\n")
    assert [str(rule) for rule in rules_of(found)] == ["-j DROP", "-p tcp -j RETURN"]


@pytest.mark.parametrize(
    ("chains", "table"),
    [
        (["PREROUTING", "POSTROUTING", "OUTPUT"], "nat"),
        (["PREROUTING", "OUTPUT"], "raw"),
        (["INPUT", "OUTPUT"], "security"),
    ],
)
def test_a_table_that_lost_its_header_is_known_by_its_chains(chains: list[str], table: str) -> None:
    part = [*(f":{chain} ACCEPT [1:60]" for chain in chains), ":web - [0:0]"]
    part += ["-A OUTPUT -j web", "-A web -s 10.0.0.1/32 -j ACCEPT", "COMMIT"]
    found = read("\n".join([*part, in_filter("-A INPUT -j DROP")]))
    assert [*found.tables] == [table, "filter"]
    assert [str(rule) for rule in rules_of(found)] == [
        *("-j web", "-s 10.0.0.1/32 -j ACCEPT", "-j DROP")
    ]
    assert found.tables[TableName(table)].chains[chains[0]].counters == Counters(1, 60)
    assert found.tables[TableName(table)].chains["OUTPUT"].rules[0].target == Jump("web")


@pytest.mark.parametrize(("asked", "table"), [("-t mangle -S", "mangle"), ("-S", "filter")])
def test_a_list_of_rules_is_of_the_table_that_was_asked_for(asked: str, table: str) -> None:
    text = f"host# iptables -t raw -S\nhost# iptables {asked}\n-P OUTPUT ACCEPT\n-A OUTPUT -j DROP"
    assert [*read(text).tables] == [table]


def test_an_inserted_rule_stands_where_it_says_even_if_it_cannot_be_read() -> None:
    lines = (
        *("-A INPUT -j DROP", "-I INPUT -m geoip --src-cc XY", "-I INPUT 9 -j FORWARD"),
        "-I INPUT 2 -m comment --comment 'my web' -j ACCEPT",
    )
    assert [str(rule) for rule in rules_of(read(in_filter(*lines)))] == [
        *("-m geoip --src-cc XY", "-m comment --comment 'my web' -j ACCEPT"),
        *("-j DROP", "-j FORWARD"),
    ]


def test_a_walk_says_that_it_cannot_tell_only_where_that_matters() -> None:
    rules = read(in_filter("-A INPUT -s x.x.x.x -p udp -j DROP"))
    assert "nobody said what" in str(iptlab.trace(rules, "udp 10.0.0.9:1 -> 10.0.0.1:2"))
    assert "nobody said what" not in iptlab.trace(rules, "tcp 10.0.0.9:1 -> 10.0.0.1:2").conclusion


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("root@x:~# iptables-save\n" + in_filter(), "no line of a dump"),
        ("*filter\n-A INPUT -j DROP\n*nat\nCOMMIT\n", "filter before it has no COMMIT"),
        (in_filter() + in_filter(), "comes again"),
        (in_filter(":INPUT MAYBE [0:0]"), "is no policy"),
        ("*strange\n-A X -j Y\nCOMMIT\n" + in_filter(), "no table `strange'"),
        ("-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", "no line *filter stands before it"),
        (in_filter("-D INPUT 5"), "left out"),
        (in_filter("-A ACCEPT -j DROP"), "left out"),
        (in_filter("-I POSTROUTING -j DROP"), "left out"),
    ],
)
def test_what_is_in_no_table_is_noted(text: str, why: str) -> None:
    found = read(text)
    assert any(why in str(note) for note in found.notes)


def test_lines_outside_the_tables_are_printed_back_too() -> None:
    text = "root@x:~# iptables-save\n" + in_filter() + "root@x:~# \n"
    printed = read(text).save()
    assert printed.startswith("root@x:~# iptables-save\n*filter\n")
    assert printed.endswith("COMMIT\nroot@x:~#\n")


@pytest.mark.parametrize("text", ["", "hello\n", "*strange\n-A X -j Y\nCOMMIT\n"])
def test_a_text_without_rules_is_refused(text: str) -> None:
    with pytest.raises(RulesetError, match="no rules in this text"):
        read(text)


def test_rules_of_the_other_family_are_refused_with_the_right_one() -> None:
    text, _ = DUMPS["v6-only"]
    for found in (text, text.split("\n", 1)[1], "ip6tables -A INPUT -p tcp -j ACCEPT\n"):
        with pytest.raises(RulesetError, match="family=6"):
            read(found)
    with pytest.raises(RulesetError, match="family=4"):
        read(in_filter("-A INPUT -s 10.0.0.0/8 -j DROP"), 6)


NOISE = st.text(
    st.sampled_from('-ApjmsdioINPUTtcp*:fler \n"\\!#[]0123/.,COMDROACEP>\u201c\u2013\xa0\r'),
    max_size=200,
)


@given(NOISE)
def test_noise_is_read_or_refused_but_never_crashes(noise: str) -> None:
    for text in (noise, in_filter(noise), in_filter(f"-A INPUT {noise}")):
        with suppress(RuleError):
            printed = read(text).save()
            assert read(printed).save() == printed


@given(st.sampled_from(sorted(DUMPS)), st.integers(0, 4000), st.sampled_from(["", "!", '"', "\n"]))
def test_a_damaged_dump_is_read_or_refused_but_never_crashes(
    name: str, place: int, damage: str
) -> None:
    text, family = DUMPS[name]
    with suppress(RuleError):
        read(text[:place] + damage + text[place + 1 :], family)


@pytest.mark.parametrize("line", ["-A INPUT -j", '-A INPUT -j ""', "-t", 'iptables -t"nat -A X'])
def test_a_jump_to_nowhere_and_a_line_without_command_are_kept_or_noted(line: str) -> None:
    text = f"#!/bin/sh\niptables -A INPUT -i lo -j ACCEPT\n{line}\n"
    assert "-A INPUT -i lo -j ACCEPT" in Ruleset.parse(text, strict=False).save()
