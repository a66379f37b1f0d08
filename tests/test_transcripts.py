"""Every transcript at our virtual machines and at real ones: the same answers, to the letter."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from real_network import UnavailableError, answers
from transcript_networks import NETWORKS
from transcripts import FILES, Transcript, really, virtually

NAMES = [file.stem for file in FILES]
# transcripts at real machines mostly wait for what does not come: so many do it at once
AT_ONCE = 8
# the tools that the transcripts were recorded from: other releases have other words
RECORDED_FROM = {
    "iptables -L && iptables -V": "iptables v1.8.9 (legacy)",
    "ip6tables -L && ip6tables -V": "ip6tables v1.8.9 (legacy)",
    "iptables-nft -L && iptables-nft -V": "iptables v1.8.9 (nf_tables)",
    "ipset list && ipset -v": "ipset v7.17",
    "conntrack -L && conntrack -V": "conntrack v1.4.7",
    "ip -V": "iproute2-6.1.0",
    "ss -V": "iproute2-6.1.0",
    "ping -V": "iputils 20221126",
    "curl -V": "curl 7.88.1",
    "nc -h": "OpenBSD netcat",
    "sysctl -V": "procps-ng 4.0.2",
}

REFUSED = """# A closed port
network: home

laptop$ nc -z -v 192.168.1.20 81
nc: connect to 192.168.1.20 port 81 (tcp) failed: Connection refused
[exit 1]

laptop$ cat <<EOF
> a
>
> b
> EOF
a

b
"""
ENTRY = "icmp     1 {} src=10.0.0.9 dst=10.0.0.1 type=8 code=0 id={} mark=0 use=1\n"


def read(file: Path) -> Transcript:
    """The transcript that a file holds."""
    return Transcript.parse(file.read_text(encoding="utf-8"))


def with_outputs(*outputs: str) -> Transcript:
    """A transcript of commands that print these texts."""
    steps = "\n".join(f"laptop$ cat\n{text}" for text in outputs)
    return Transcript.parse(f"# Any\nnetwork: home\n\n{steps}")


# --- the same file, both ways ---


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_virtual_machine_answers_as_the_transcript_says(file: Path) -> None:
    told = read(file)
    assert str(virtually(told).stable()) == str(told.stable())


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Iterator[dict[Path, Future[Transcript]]]:
    """The transcripts to be tested, on their way through the real tools, or a skipped test."""
    try:
        found = answers(NETWORKS["home"](), [("laptop", line) for line in RECORDED_FROM])
    except UnavailableError as error:
        pytest.skip(str(error))
    for (line, release), answer in zip(RECORDED_FROM.items(), found, strict=True):
        if answer.status or release not in answer.text:
            pytest.skip(f"{line} does not answer as {release}: {answer.text.strip()}")
    tests = (item for item in request.session.items if isinstance(item, pytest.Function))
    wanted = test_the_real_tools_answer_as_the_transcript_says.__name__
    chosen = {one.callspec.params["file"] for one in tests if one.originalname == wanted}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {file: pool.submit(really, read(file)) for file in FILES if file in chosen}
        pool.shutdown(cancel_futures=True)


@pytest.mark.kernel
@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_the_real_tools_answer_as_the_transcript_says(
    file: Path, real: dict[Path, Future[Transcript]]
) -> None:
    told = read(file)
    assert str(real[file].result().stable()) == str(told.stable())


@pytest.mark.kernel
def test_nothing_is_reached_from_a_real_machine_but_the_network(
    real: dict[Path, Future[Transcript]],
) -> None:
    commands = [("far", "ip route get 9.9.9.9"), ("far", "ip -br link | wc -l")]
    nowhere, links = answers(NETWORKS["home"](), commands)
    assert nowhere.text == "RTNETLINK answers: Network is unreachable\n"
    assert links.text == "2\n"


# --- the format ---


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_file_is_written_as_it_is_printed(file: Path) -> None:
    assert str(read(file)) == file.read_text(encoding="utf-8")


def test_a_step_has_a_machine_a_command_an_output_and_a_status() -> None:
    refused, here_document = Transcript.parse(REFUSED).steps
    assert (refused.machine, refused.command) == ("laptop", "nc -z -v 192.168.1.20 81")
    assert refused.output.endswith("failed: Connection refused\n")
    assert refused.status == 1
    assert here_document.command == "cat <<EOF\na\n\nb\nEOF"
    assert (here_document.output, here_document.status) == ("a\n\nb\n", 0)


@pytest.mark.parametrize(
    "text",
    [
        "network: home\n\nlaptop$ ip route\n",
        "# Who is this\nnetwork: office\n\nlaptop$ ip route\n",
        "# Who is this\nnetwork: home\n\nprinter$ ip route\n",
    ],
)
def test_what_is_no_transcript_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"begins with|before the first command"):
        Transcript.parse(text)


# --- what no two runs have in common ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ENTRY.format(29, 7), ENTRY.format(30, 811)),
        ("1 received, 0% packet loss, time 0ms\n", "1 received, 0% packet loss, time 11ms\n"),
        ("Size in memory: 200\n", "Size in memory: 456\n"),
        ("curl: (7) Failed after 0 ms: no\n", "curl: (7) Failed after 12 ms: no\n"),
    ],
)
def test_times_and_numbers_of_a_run_do_not_count(one: str, other: str) -> None:
    assert str(with_outputs(one).stable()) == str(with_outputs(other).stable())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ENTRY.format(29, 7) * 2, ENTRY.format(29, 7) + ENTRY.format(29, 8)),
        ("    1    84 DROP  \n", "    2    84 DROP  \n"),
        ("icmp_seq=1 ttl=64 time=0.1 ms\n", "icmp_seq=1 ttl=63 time=0.1 ms\n"),
        ("sport=40000 dport=80 x\n", "sport=40000 dport=8080 x\n"),
        ("a\n", "a \n"),
        ("a\n", "\na\n"),
        ("a\n", "a\n[exit 1]\n"),
    ],
)
def test_whatever_else_differs_counts(one: str, other: str) -> None:
    assert str(with_outputs(one).stable()) != str(with_outputs(other).stable())


def test_equal_ports_stay_equal_over_a_whole_transcript() -> None:
    seen = with_outputs("sport=40001 dport=80 \n", "sport=80 dport=40001 \n", "sport=40002 \n")
    outputs = [step.output for step in seen.stable().steps]
    assert outputs == ["sport=PORT1 dport=80 \n", "sport=80 dport=PORT1 \n", "sport=PORT2 \n"]
