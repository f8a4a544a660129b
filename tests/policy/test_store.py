"""A policy file is trusted like sudoers; its compiled form is the same policy, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rshell import data
from rshell.core.decide import judge as judged
from rshell.core.model import Permit, Refusal
from rshell.lean import sha256
from rshell.policy import open as opening
from rshell.policy import store
from rshell.policy.check import compile_checked, context
from rshell.policy.open import COMPILED, Unusable, from_source, open_policy
from rshell.policy.store import MAX_SOURCE, Compiled, Corrupt, Untrusted, mark_of, open_trusted, read_trusted
from tests.support import SHIPPED, policy

ME = os.getuid()
OWNERS = (ME,)
NOBODY = 65534
SMALL = (
    b"version: 1\nroles: {r: {users: [u], groups: [a], grants: [g]}, s: {groups: [b, c], grants: []}}\n"
    b"grants: {g: {commands: {ss: [tcp], sshd: {options: [test-config], needs: [test-config]}}}}\nnever: [tac]\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A policy that is trusted."""
    made = tmp_path / "etc" / "policy.yaml"
    made.parent.mkdir(mode=0o755)
    made.write_bytes(SMALL)
    made.chmod(0o644)
    return made


def refusal(path: Path, owners: tuple[int, ...] = OWNERS) -> str:
    with pytest.raises(Untrusted) as caught:
        read_trusted(str(path), owners)
    return str(caught.value)


# -- trust -----------------------------------------------------------------------------


def test_a_file_of_ones_own_is_read(path: Path) -> None:
    assert read_trusted(str(path), OWNERS) == SMALL


def test_the_descriptor_is_not_inherited_and_is_the_callers_to_close(path: Path) -> None:
    descriptor = open_trusted(str(path), OWNERS)
    try:
        assert not os.get_inheritable(descriptor)
        assert os.fstat(descriptor).st_ino == path.stat().st_ino
    finally:
        os.close(descriptor)


def test_a_file_of_somebody_else_is_not_trusted(path: Path) -> None:
    """As root: it is given away. Otherwise one's own counts for nothing where only root is trusted."""
    if ME:
        assert f"belongs to uid {ME}, expected root" in refusal(path, ())
    else:
        os.chown(path, NOBODY, NOBODY)
        assert refusal(path, ()) == f"{path} belongs to uid {NOBODY}, expected root"
        assert read_trusted(str(path), (NOBODY,)) == SMALL


def test_a_directory_of_somebody_else_is_not_trusted(path: Path) -> None:
    if ME:
        assert f"belongs to uid {ME}, expected root" in refusal(path, ())
    else:
        os.chown(path.parent, NOBODY, NOBODY)
        assert refusal(path, ()) == f"{path.parent} belongs to uid {NOBODY}, expected root"


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646, 0o602, 0o620, 0o777])
def test_a_file_that_others_can_write_is_not_trusted(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert refusal(path) == f"{path} can be written by group or others"


@pytest.mark.parametrize("mode", [0o600, 0o444, 0o644, 0o755])
def test_a_file_that_others_can_read_is_trusted(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert read_trusted(str(path), OWNERS) == SMALL


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_directory_that_others_can_write_is_not_trusted(path: Path, mode: int) -> None:
    path.parent.chmod(mode)
    assert refusal(path) == f"the directory of {path} can be written by group or others"


def test_every_directory_above_counts(path: Path) -> None:
    path.parent.parent.chmod(0o777)
    try:
        assert refusal(path) == f"the directory of {path.parent} can be written by group or others"
    finally:
        path.parent.parent.chmod(0o700)


@pytest.mark.parametrize("mode", [0o1777, 0o1775])
def test_a_sticky_directory_is_trusted_for_an_entry_that_is(path: Path, mode: int) -> None:
    path.parent.chmod(mode)
    assert read_trusted(str(path), OWNERS) == SMALL


def test_a_sticky_directory_is_not_trusted_for_the_entry_of_somebody_else(path: Path) -> None:
    path.parent.chmod(0o1777)
    if ME:
        assert "belongs to uid" in refusal(path, ())
    else:
        os.chown(path, NOBODY, NOBODY)
        assert refusal(path) == f"{path} belongs to uid {NOBODY}, expected root"


def test_a_link_is_judged_where_it_leads_and_where_it_stands(path: Path, tmp_path: Path) -> None:
    safe, open_to_all = tmp_path / "safe", tmp_path / "open"
    safe.mkdir(mode=0o755)
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    good = safe / "good"
    good.symlink_to(path)
    assert read_trusted(str(good), OWNERS) == SMALL
    exposed = open_to_all / "link"  # anybody can let it lead elsewhere
    exposed.symlink_to(path)
    assert refusal(exposed) == f"the directory of {exposed} can be written by group or others"
    target = open_to_all / "target"  # anybody can put another file there
    target.write_bytes(SMALL)
    target.chmod(0o644)
    bad = safe / "bad"
    bad.symlink_to(target)
    assert refusal(bad) == f"the directory of {target} can be written by group or others"


def test_a_link_in_between_is_judged_too(path: Path, tmp_path: Path) -> None:
    """safe/first -> open/second -> the policy: anybody can change where the second one leads."""
    safe, open_to_all = tmp_path / "safe", tmp_path / "open"
    safe.mkdir(mode=0o755)
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (open_to_all / "second").symlink_to(path)
    (safe / "first").symlink_to(open_to_all / "second")
    assert "can be written by group or others" in refusal(safe / "first")


@pytest.mark.skipif(ME != 0, reason="giving a link away needs root")
def test_the_link_of_somebody_else_in_a_sticky_directory_is_not_trusted(path: Path, tmp_path: Path) -> None:
    """Its owner chooses which of root's files is the policy: an older, wider one perhaps."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    link = shared / "policy.yaml"
    link.symlink_to(path)
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    assert "belongs to uid" in refusal(link)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """The /etc of a NixOS: rshell/policy.yaml -> static/rshell/policy.yaml -> into the store."""
    if ME:
        pytest.skip("a store of root's needs root")
    store = tmp_path / "nix/store"
    store.mkdir(mode=0o755, parents=True)
    store.chmod(0o1775)
    os.chown(store, 0, NOBODY)  # the group of the builders
    (store / "policy.yaml").write_bytes(SMALL)
    tree = store / "etc/etc/rshell"
    tree.mkdir(mode=0o755, parents=True)
    (tree / "policy.yaml").symlink_to(store / "policy.yaml")
    etc = tmp_path / "etc"
    (etc / "rshell").mkdir(mode=0o755, parents=True)
    (etc / "static").symlink_to(store / "etc/etc")
    (etc / "rshell/policy.yaml").symlink_to(etc / "static/rshell/policy.yaml")
    (store / "policy.yaml").chmod(0o444)
    for directory in (tree, tree.parent, tree.parent.parent):
        directory.chmod(0o555)
    return etc


def test_a_policy_in_the_store_is_trusted(etc: Path) -> None:
    assert read_trusted(str(etc / "rshell/policy.yaml"), ()) == SMALL


def test_the_compiled_form_in_the_store_is_trusted_too(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = put_compiled(etc.parent / "nix/store/policy.yaml", compile_checked(SMALL, "p"))
    compiled.chmod(0o444)
    (etc / "rshell/policy.yaml.compiled").symlink_to(compiled)
    with unused_source(monkeypatch):
        found = open_policy(str(etc / "rshell/policy.yaml"))
    assert found.header["source"] == sha256(SMALL).hexdigest()


@pytest.mark.parametrize("entry", ["etc/static", "etc/rshell/policy.yaml", "nix/store/etc",
                                   "nix/store/etc/etc/rshell/policy.yaml", "nix/store/policy.yaml"])  # fmt: skip
def test_a_policy_in_the_store_is_not_trusted_if_any_step_is_a_builders(etc: Path, entry: str) -> None:
    path = etc.parent / entry
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    assert refusal(etc / "rshell/policy.yaml", ()) == f"{path} belongs to uid {NOBODY}, expected root"


def test_a_store_that_is_not_sticky_is_not_trusted(etc: Path) -> None:
    store = etc.parent / "nix/store"
    store.chmod(0o775)
    assert refusal(etc / "rshell/policy.yaml") == f"the directory of {store}/etc can be written by group or others"


class Meanwhile:
    """The system calls of the store, with something happening right after the file was opened."""

    def __init__(self, happens: Any) -> None:
        self.happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, *args: Any) -> int:
        descriptor = os.open(*args)
        self.happens()
        return descriptor


def test_a_file_that_is_replaced_while_it_is_opened_is_not_trusted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = path.with_name("other")
    other.write_bytes(b"other")
    monkeypatch.setattr(store, "os", Meanwhile(lambda: other.rename(path)))
    with pytest.raises((Untrusted, OSError)):
        open_trusted(str(path), OWNERS)


def test_a_file_that_was_moved_away_and_imitated_is_not_trusted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def imitate() -> None:
        path.unlink()
        Path(f"{path} (deleted)").write_bytes(SMALL)
        path.write_bytes(SMALL)

    monkeypatch.setattr(store, "os", Meanwhile(imitate))
    with pytest.raises(Untrusted, match="was replaced while it was opened"):
        open_trusted(str(path), OWNERS)


def test_no_descriptor_is_left_open_after_a_refusal(path: Path) -> None:
    path.chmod(0o666)
    before = os.listdir("/proc/self/fd")
    refusal(path)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_only_a_regular_file_is_a_policy(path: Path) -> None:
    assert refusal(path.parent) == f"{path.parent} is not a regular file"
    assert refusal(Path("/dev/null")) == "/dev/null is not a regular file"
    path.unlink()
    os.mkfifo(path, 0o644)  # and opening it does not wait for a writer
    assert refusal(path) == f"{path} is not a regular file"


def test_a_file_that_is_too_big_is_not_read(path: Path) -> None:
    path.write_bytes(b"#" * MAX_SOURCE)
    assert len(read_trusted(str(path), OWNERS)) == MAX_SOURCE
    path.write_bytes(b"#" * (MAX_SOURCE + 1))
    assert refusal(path) == f"{path} is larger than {MAX_SOURCE} bytes"


def test_a_file_that_is_not_there_is_missing(path: Path) -> None:
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_trusted(str(path), OWNERS)


# -- the policy that decides ---------------------------------------------------------------


@contextmanager
def unused_source(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the test fail when the YAML is compiled on the spot."""
    with monkeypatch.context() as patch:
        patch.setattr(opening, "from_source", lambda *_: pytest.fail("the source was compiled"))
        yield


def put_compiled(path: Path, content: bytes) -> Path:
    beside = Path(str(path) + COMPILED)
    beside.write_bytes(content)
    beside.chmod(0o644)
    return beside


def decisions(compiled: Compiled) -> list[Permit | Refusal]:
    rules = compiled.policy("r", "p")
    return [judged(rules, line, context()) for line in ("ss -t", "ss -u", "sshd -T", "sshd", "tac", "nosuch")]


def test_the_compiled_form_decides_as_the_source(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = decisions(open_policy(str(path), OWNERS))
    assert [isinstance(one, Permit) for one in expected] == [True, False, True, False, False, False]
    put_compiled(path, compile_checked(SMALL, str(path)))
    with unused_source(monkeypatch):
        assert decisions(open_policy(str(path), OWNERS)) == expected


def test_the_compiled_form_may_be_elsewhere(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = put_compiled(tmp_path / "x", compile_checked(SMALL, str(path)))
    with unused_source(monkeypatch):
        assert open_policy(str(path), OWNERS, str(elsewhere)).header["source"] == sha256(SMALL).hexdigest()


def spoiled(content: bytes) -> dict[str, bytes]:
    header = len(store.MAGIC) + store.DIGEST + 4
    return {
        "empty": b"",
        "only the magic": store.MAGIC,
        "half of the header": content[: header + 10],
        "another source": compile_checked(SMALL.replace(b"[tcp]", b"[tcp, udp]"), "p"),
        "not ours": b"x" * 1000,
        "a huge header": content[: header - 4] + b"\xff\xff\xff\xff" + content[header:],
        "a header that is too long": content[: header - 4] + b"\x03\xff\xff\xff" + content[header:],
        "YAML": SMALL,
    }


@pytest.mark.parametrize("how", list(spoiled(compile_checked(SMALL, "p"))))
def test_a_compiled_form_that_is_none_of_this_source_is_passed_over(path: Path, how: str) -> None:
    expected = decisions(open_policy(str(path), OWNERS))
    put_compiled(path, spoiled(compile_checked(SMALL, str(path)))[how])
    assert decisions(open_policy(str(path), OWNERS)) == expected


def test_a_damaged_piece_is_noticed_when_it_is_read(path: Path) -> None:
    content = compile_checked(SMALL, str(path))
    put_compiled(path, content[: len(content) // 2])
    rules = open_policy(str(path), OWNERS).policy
    with pytest.raises(Corrupt):
        judged(rules("r", "p"), "ss -t", context())


@pytest.mark.parametrize("field", ["tag", "version", "grammars"])
def test_a_compiled_form_of_another_program_is_stale(field: str) -> None:
    compiled = Compiled(compile_checked(SMALL, "p"))
    assert compiled.is_ours(data.identity())
    compiled.header[field] += "x"
    assert not compiled.is_ours(data.identity())


def test_the_very_file_that_was_compiled_is_not_read_again(path: Path) -> None:
    put_compiled(path, compile_checked(SMALL, str(path), mark_of(path.stat())))
    found = open_policy(str(path), OWNERS)
    assert found.descriptor >= 0
    assert found.header["mark"] == mark_of(path.stat())


def test_a_file_written_to_within_the_same_second_is_read_again(path: Path) -> None:
    put_compiled(path, compile_checked(SMALL, str(path), mark_of(path.stat())))
    path.write_bytes(SMALL.replace(b"[tcp]", b"[udp]"))
    assert [isinstance(one, Permit) for one in decisions(open_policy(str(path), OWNERS))[:2]] == [False, True]


def test_a_compiled_form_that_others_can_write_does_not_decide(path: Path) -> None:
    wider = SMALL.replace(b"[tcp]", b"[tcp, udp]")
    forged = compile_checked(wider, str(path))
    forged = forged.replace(sha256(wider).hexdigest().encode(), sha256(SMALL).hexdigest().encode())
    put_compiled(path, forged).chmod(0o666)
    assert not isinstance(decisions(open_policy(str(path), OWNERS))[1], Permit)


def test_a_changed_source_decides_at_once(path: Path) -> None:
    put_compiled(path, compile_checked(SMALL, str(path)))
    path.write_bytes(SMALL.replace(b"[tcp]", b"[udp]"))
    assert [isinstance(one, Permit) for one in decisions(open_policy(str(path), OWNERS))[:2]] == [False, True]


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda path: path.unlink(), "policy.missing", "there is no policy at {path}"),
        (lambda path: path.chmod(0o666), "policy.untrusted", "{path} can be written by group or others"),
        (lambda path: path.write_bytes(b"#" * 10_000_000), "policy.untrusted",
         f"{{path}} is larger than {MAX_SOURCE} bytes"),
        (lambda path: path.write_bytes(b""), "policy.broken", "{path}:1:1: the file is empty, expected a mapping"),
        (lambda path: path.write_bytes(SMALL[:90]), "policy.broken", None),
        (lambda path: path.write_bytes(b"version: 2\n"), "policy.broken",
         "{path}:1:1: `grants` is missing (2 more)"),
        (lambda path: path.write_bytes(SMALL + b"expect: {r: {refuse: [ss -t]}}"), "policy.broken",
         "{path}:5:23: expected to be refused, but allowed: ss -t"),
        (lambda path: (path.unlink(), path.symlink_to(path)), "policy.unreadable",
         "{path}: Too many levels of symbolic links"),
        (lambda path: (path.unlink(), path.mkdir()), "policy.untrusted", "{path} is not a regular file"),
    ],
)  # fmt: skip
def test_without_a_policy_nothing_is_decided(path: Path, spoil: Any, code: str, said: str | None) -> None:
    put_compiled(path, compile_checked(SMALL, str(path)))
    spoil(path)
    with pytest.raises(Unusable) as caught:
        open_policy(str(path), OWNERS)
    assert caught.value.code == code
    if said is not None:
        assert str(caught.value) == said.format(path=path)


def test_a_broken_source_is_not_saved_by_an_older_compiled_form(path: Path) -> None:
    put_compiled(path, compile_checked(SMALL, str(path)))
    path.write_bytes(SMALL + b"never: [")
    with pytest.raises(Unusable, match=r"policy\.yaml:"):
        open_policy(str(path), OWNERS)


# -- decay -----------------------------------------------------------------------------------

GOOD = compile_checked(SHIPPED, "policy.yaml")
QUESTIONS = (
    "docker ps -a", "docker exec x id", "docker stats", "docker logs -f x", "iptables -S", "iptables -F", "ss -tlnp",
    "cat /etc/passwd", "docker ps | grep x", "docker ps | sort -o x", "journalctl -u ssh -n 5", "nosuch", "curl x",
)  # fmt: skip
ANSWERS = {line: judged(policy(), line, context()) for line in QUESTIONS}


def same_or_corrupt(content: bytes) -> bool:
    """Hold a damaged compiled form against the good one. Return whether anything was noticed."""
    try:
        rules = Compiled(content).policy("ai-worker", "policy.yaml")
    except Corrupt:
        return True
    noticed = False
    for line, answer in ANSWERS.items():
        try:
            assert judged(rules, line, context()) == answer
        except Corrupt:
            noticed = True
    return noticed


def test_an_undamaged_form_decides_as_expected() -> None:
    assert not same_or_corrupt(GOOD)
    assert {line for line, answer in ANSWERS.items() if isinstance(answer, Permit)} == {
        "docker ps -a", "iptables -S", "ss -tlnp", "docker ps | grep x", "journalctl -u ssh -n 5",
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 7))
def test_a_flipped_bit_never_changes_a_decision(at: int, bit: int) -> None:
    same_or_corrupt(GOOD[:at] + bytes([GOOD[at] ^ 1 << bit]) + GOOD[at + 1 :])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1))
def test_a_lost_end_never_changes_a_decision(length: int) -> None:
    same_or_corrupt(GOOD[:length])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 64), st.binary(max_size=64))
def test_overwritten_bytes_never_change_a_decision(at: int, count: int, instead: bytes) -> None:
    same_or_corrupt(GOOD[:at] + instead + GOOD[at + count :])


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=64), st.binary(max_size=64).map(lambda end: store.MAGIC + end)))
def test_any_bytes_are_corrupt(content: bytes) -> None:
    with pytest.raises(Corrupt):
        Compiled(content)


@pytest.mark.parametrize("at", range(0, 22))
def test_every_byte_of_the_start_is_guarded(at: int) -> None:
    with pytest.raises(Corrupt):
        Compiled(GOOD[:at] + bytes([GOOD[at] ^ 0xFF]) + GOOD[at + 1 :])


# -- roles and lookups -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "groups", "role"),
    [
        ("u", (), "r"),
        ("u", ("b",), "r"),  # by name before by group
        ("x", ("a",), "r"),
        ("x", ("b", "c"), "s"),
        ("x", ("a", "b"), ""),  # which one?
        ("x", ("q",), ""),
        ("x", (), ""),
        ("", (), ""),
        ("root", (), ""),
        ("r", (), ""),
    ],
)
def test_an_account_has_one_role_or_none(user: str, groups: tuple[str, ...], role: str) -> None:
    assert Compiled(compile_checked(SMALL, "p")).role_of(user, lambda _: groups) == role


def test_an_unknown_role_has_no_rules() -> None:
    with pytest.raises(KeyError):
        Compiled(compile_checked(SMALL, "p")).policy("nosuch", "p")


def test_the_role_without_grants_may_nothing() -> None:
    rules = Compiled(compile_checked(SMALL, "p")).policy("s", "p")
    assert list(rules.programs) == []
    assert list(rules.commands) == []
    assert not isinstance(judged(rules, "ss -t", context()), Permit)


def test_the_mappings_of_a_policy_are_mappings() -> None:
    rules = Compiled(compile_checked(SMALL, "p")).policy("r", "p")
    assert sorted(rules.commands) == sorted(rules.commands.keys()) == ["ss", "sshd"]
    assert len(rules.commands) == 2
    assert "ss" in rules.commands
    assert "tac" not in rules.commands
    assert rules.commands.get("tac") is None
    assert rules.commands["ss"] is rules.commands["ss"]
    with pytest.raises(KeyError):
        rules.commands["tac"]


class Counting(Compiled):
    """A compiled policy in memory that counts what is read of it."""

    reads = 0
    size = 0

    def bytes_at(self, offset: int, length: int) -> bytes:
        self.reads += 1
        self.size += length
        return super().bytes_at(offset, length)


@cache
def many(count: int) -> bytes:
    """A compiled policy with so many commands."""
    commands = "".join(f"      c{number}: {{forms: [a]}}\n" for number in range(count))
    source = f"version: 1\nroles: {{r: {{grants: [g]}}}}\ngrants:\n  g:\n    commands:\n{commands}"
    return compile_checked(source.encode(), "p")


def test_a_lookup_among_ten_thousand_reads_no_more_than_among_a_hundred() -> None:
    read: dict[int, tuple[int, int]] = {}
    for count in (100, 10_000):
        compiled = Counting(many(count))
        rules = compiled.policy("r", "p")
        compiled.reads = compiled.size = 0
        for number in range(0, count, count // 100):
            assert rules.commands[f"c{number}"].key == f"c{number}"
            assert rules.commands.get(f"d{number}") is None
        read[count] = compiled.reads, compiled.size
    assert read[10_000][0] <= read[100][0] * 1.1
    assert read[10_000][1] <= read[100][1] * 1.5


def test_every_one_of_ten_thousand_commands_is_found() -> None:
    rules = Compiled(many(10_000)).policy("r", "p")
    assert sorted(rules.commands) == sorted(f"c{number}" for number in range(10_000))
    assert all(rules.commands[f"c{number}"].rules[0].source == f"p:{6 + number}" for number in range(10_000))


def test_from_source_says_the_first_error_and_how_many_more() -> None:
    with pytest.raises(Unusable, match=r"^p:1:1: `grants` is missing \(1 more\)$"):
        from_source(b"version: 1\n", "p")
