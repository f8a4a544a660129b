"""Published ports: both spellings of docker's to one value, judged, and written with nothing left open."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rshell.core.containers import Containers
from rshell.core.parts.ports import MOST, Port, Wrong, judge, read, short, spell, together

ALLOWED = Containers(publish_addresses=("127.0.0.1", "::1"), publish_low=1024, publish_high=65535)


def fits(text: str, allowed: Containers = ALLOWED) -> bool:
    try:
        judge(allowed, read(text))
    except Wrong:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80", Port("", "", "80")), ("80/udp", Port("", "", "80", "udp")), ("8080:80", Port("", "8080", "80")),
        (":80", Port("", "", "80")), (":8080:80", Port("", "8080", "80")), ("::80", Port("", "", "80")),
        ("127.0.0.1:8080:80", Port("127.0.0.1", "8080", "80")), ("127.0.0.1::80", Port("127.0.0.1", "", "80")),
        ("127.0.0.1:8080:80/TCP", Port("127.0.0.1", "8080", "80")), ("[::1]:8080:80", Port("::1", "8080", "80")),
        ("[::1]::80/udp", Port("::1", "", "80", "udp")), ("8000-8010:8000-8010", Port("", "8000-8010", "8000-8010")),
        ("8000-8010:80", Port("", "8000-8010", "80")), ("127.0.0.1::80-90", Port("127.0.0.1", "", "80-90")),
        ("published=8080,target=80", Port("", "8080", "80")),
        ("target=80,protocol=udp,published=127.0.0.1:8080", Port("127.0.0.1", "8080", "80", "udp")),
    ],
)  # fmt: skip
def test_a_port_is_read_as_docker_reads_it(text: str, port: Port) -> None:
    assert read(text) == port


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", ""), ("x", "x"), ("0", "0"), ("65536", "65536"), ("080", "080"), ("-1", "-1"), ("80-", "80-"), ("-80",
        "-80"),
        ("1-2-3", "1-2-3"), ("90-80", "90-80"), ("80/", ""), ("80/sctp", "sctp"), ("80/icmp", "icmp"),
        ("80/tcp/udp", "tcp/udp"), ("80/\u212acp", "\u212acp"), ("8080:80:", ""), ("127.0.0.1:80", "127.0.0.1"),
        ("localhost:80", "localhost"), ("::1:8080:80", "::1"), ("[::1:8080:80", "[::1"), ("a:b:1:2", "a:b"),
        ("8000-8010:80-81", "8000-8010"), ("80:80-81", "80"), ("rivileged", "rivileged"), (" 80", " 80"),
        ("80\n", "80\n"), ("\u0668\u0660", "\u0668\u0660"), ("+80", "+80"), ("1e3", "1e3"),
        ("host_ip=127.0.0.1,target=80,published=8080", "host_ip=127.0.0.1"), ("target=80", ""), ("published=80", ""),
        ("target=,published=80", ""), ("target=80,published=", ""), ("target=80,target=81,published=80", "target=81"),
        ("target=80,published=80,mode=host", "mode=host"), ("TARGET=80,published=80", "TARGET=80"),
        ("target=80/udp,published=80", ""), ("target=80,published=80,protocol=", ""), ("target=8=0,published=1",
        "target=8=0"),
        ("target=80,published=80,x", "x"),
    ],
)  # fmt: skip
def test_what_is_no_port_is_refused_at_the_part_that_is_wrong(text: str, part: str) -> None:
    with pytest.raises(Wrong) as caught:
        read(text)
    assert caught.value.part == part


@pytest.mark.parametrize(
    ("text", "part", "better"),
    [
        ("80", "", "127.0.0.1::80"), ("8080:80", "", "127.0.0.1:8080:80"),
        (":8080:80/udp", "", "127.0.0.1:8080:80/udp"),
        ("0.0.0.0:8080:80", "0.0.0.0", "127.0.0.1:8080:80"), ("[::]:8080:80", "[::]", "127.0.0.1:8080:80"),
        ("10.0.0.1:8080:80", "10.0.0.1", "127.0.0.1:8080:80"), ("127.0.0.2:8080:80", "127.0.0.2", "127.0.0.1:8080:80"),
        ("localhost:8080:80", "localhost", "127.0.0.1:8080:80"), ("127.1:8080:80", "127.1", "127.0.0.1:8080:80"),
        ("[0::1]:8080:80", "[0::1]", "127.0.0.1:8080:80"), ("127.0.0.1:22:22", "22", "127.0.0.1::22"),
        ("127.0.0.1:1023-1024:1-2", "1023-1024", "127.0.0.1::1-2"),
    ],
)  # fmt: skip
def test_a_port_that_others_could_reach_or_that_is_not_listed_is_refused_with_one_that_may_be(
    text: str, part: str, better: str
) -> None:
    with pytest.raises(Wrong) as caught:
        judge(ALLOWED, read(text))
    assert (caught.value.part, caught.value.better) == (part, better)
    assert fits(better)


@pytest.mark.parametrize("text", ["127.0.0.1:1024:80", "[::1]:65535:80/udp", "127.0.0.1:8000-8010:80", "127.0.0.1::80"])
def test_a_port_on_a_listed_address_may_be(text: str) -> None:
    assert fits(text)
    assert not fits(text, Containers())


def test_any_port_is_one_that_the_kernel_gives_and_has_to_be_listed() -> None:
    assert not fits("127.0.0.1::80", ALLOWED.but(publish_high=50000))
    assert not fits("127.0.0.1::80", ALLOWED.but(publish_low=40000))


@pytest.mark.parametrize(
    ("texts", "may"),
    [
        (["127.0.0.1:8000-8127:80"], True), (["127.0.0.1:8000-8128:80"], False), ([f"{port}:80" for port in
        range(2000, 2128)], True),
        ([f"{port}:80" for port in range(2000, 2129)], False), (["::1-65535"], False), (["1-100:1-100", "200-229:80"],
        False),
    ],
)  # fmt: skip
def test_a_container_has_only_so_many_ports(texts: list[str], may: bool) -> None:
    ports = [read(text) for text in texts]
    assert MOST == 128
    if may:
        together(ports)
        return
    with pytest.raises(Wrong):
        together(ports)


@pytest.mark.parametrize(
    ("port", "written"),
    [
        (Port("127.0.0.1", "8080", "80"), "127.0.0.1:8080:80/tcp"),
        (Port("::1", "8080", "80", "udp"), "[::1]:8080:80/udp"),
        (Port("127.0.0.1", "", "80"), "127.0.0.1::80/tcp"),
    ],
)
def test_a_port_is_written_with_address_and_protocol(port: Port, written: str) -> None:
    assert spell(port) == written
    assert short(port) == written.removesuffix("/tcp")


parts = st.sampled_from(["127.0.0.1", "[::1]", "::1", "0.0.0.0", "", "80", "8080", "22", "1-9", "8000-8008", "x"])
soups = st.lists(parts, max_size=4).map(":".join) | st.text("0123456789:.-[]/tcpudp=,", max_size=24)
longs = st.lists(
    st.sampled_from(["target=80", "published=8080", "published=127.0.0.1:8080", "protocol=udp", "host_ip=0.0.0.0",
                     "published=22", "target=", "mode=host", "published=0.0.0.0:1"]), max_size=4,
).map(",".join)  # fmt: skip


@given(soups | longs, st.sampled_from(["", "/tcp", "/udp", "/TCP"]))
@example("127.0.0.1:8080:80", "/udp")
def test_whatever_may_be_is_on_a_listed_address_and_reads_back_as_it_was(text: str, protocol: str) -> None:
    said = ""
    try:
        port = read(text + protocol)
        judge(ALLOWED, port)
    except Wrong as found:
        said = found.expected
    if said:
        assert said.isascii()
        assert said.isprintable()
        return
    written = spell(port)
    assert written.startswith(("127.0.0.1:", "[::1]:"))
    host = written.removeprefix("127.0.0.1:").removeprefix("[::1]:").partition(":")[0]
    assert host == "" or int(host.partition("-")[0]) >= 1024
    assert read(written) == port
    assert read(short(port)) == port
