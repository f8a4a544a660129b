"""Applying a policy: checked, shown, asked for, and the old or the new one wherever it is killed."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rshell.ctl import edit, inforce
from rshell.ctl.main import main
from rshell.host import layout
from rshell.policy.open import open_policy
from rshell.policy.store import mark_of

POLICY = "version: 1\nroles: {{r: {{users: [ann], grants: [g]}}}}\ngrants: {{g: {{commands: {{docker ps: [{}]}}}}}}\n"
ALL, QUIET, SIZE = (POLICY.format(option) for option in ("all", "quiet", "size"))
KILLED = 9
NEEDS_YES = "rshellctl: nothing was changed: without a terminal to ask at, --yes is needed\n"


class Said(io.StringIO):
    """A stdin that is a terminal, or is not."""

    def __init__(self, text: str, terminal: bool) -> None:
        super().__init__(text)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def no_terminal(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers."""
    monkeypatch.setattr(sys, "stdin", Said("", False))


def written(host: Path, text: str) -> str:
    """A policy in a file of its own."""
    path = host / f"{inforce.short(text.encode())}.yaml"
    path.write_text(text)
    return str(path)


def applied(host: Path, text: str) -> int:
    """Apply a policy without a question."""
    return main(["apply", "--yes", written(host, text)])


def deciding() -> tuple[str, bool]:
    """The policy that decides, and whether its compiled form does."""
    found = open_policy(layout.POLICY, (os.getuid(),))
    sha = found.header["source"]
    (text,) = (text for text in (ALL, QUIET, SIZE) if inforce.sha256(text.encode()).hexdigest() == sha)
    if found.descriptor >= 0:
        os.close(found.descriptor)
    return text, found.descriptor >= 0


# -- what it says, and whom it asks ---------------------------------------------------------


def test_the_first_policy_is_applied_without_a_question(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(host, ALL)
    assert main(["apply", path]) == 0
    assert capsys.readouterr() == (
        f"no policy is in force; new: r (1 commands)\napplied {path} as {layout.POLICY}\n", "",
    )  # fmt: skip
    assert deciding() == (ALL, True)
    modes = {Path(path): oct(Path(path).stat().st_mode & 0o777) for path in (
        layout.ETC, layout.DOCKER_CONFIG, layout.POLICY, layout.POLICY + ".compiled", layout.STATE, layout.POLICIES,
    )}  # fmt: skip
    assert list(modes.values()) == ["0o755", "0o755", "0o644", "0o644", "0o755", "0o700"]


def test_another_policy_is_not_applied_unasked(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(host, ALL)
    capsys.readouterr()
    assert main(["apply", written(host, QUIET)]) == 2
    assert capsys.readouterr() == ("~ command  r  docker ps: +quiet -all\n", NEEDS_YES)
    assert deciding() == (ALL, True)


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("YES\n", 0), ("\n", 1), ("n\n", 1), ("", 1)])
def test_at_a_terminal_it_asks(
    host: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, status: int
) -> None:
    applied(host, ALL)
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", Said(answer, True))
    path = written(host, QUIET)
    assert main(["apply", path]) == status
    end = "nothing was changed" if status else f"applied {path} as {layout.POLICY}"
    said = f"~ command  r  docker ps: +quiet -all\napply {path}? [y/N] {end}\n"
    assert (capsys.readouterr().out, deciding()) == (said, (ALL if status else QUIET, True))


def test_a_dry_run_shows_and_changes_nothing(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", "--dry-run", written(host, ALL)]) == 0
    assert not Path(layout.ETC).exists()
    assert not Path(layout.STATE).exists()
    applied(host, ALL)
    capsys.readouterr()
    assert main(["apply", "--dry-run", written(host, QUIET)]) == 0
    assert capsys.readouterr().out == "~ command  r  docker ps: +quiet -all\nnothing was changed\n"
    assert (deciding(), inforce.earlier()) == ((ALL, True), [])


def test_the_policy_in_force_need_not_be_applied_again(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(host, ALL)
    before = mark_of(os.stat(layout.POLICY))
    capsys.readouterr()
    assert main(["apply", written(host, ALL)]) == 0
    assert capsys.readouterr().out == "nothing to do: this policy is in force\n"
    assert (mark_of(os.stat(layout.POLICY)), inforce.earlier()) == (before, [])


@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(b"rubbish"),
    lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"),
    lambda path: Path(layout.POLICY).touch(),
])  # fmt: skip
def test_a_compiled_form_that_is_not_this_policy_s_is_made_anew(
    host: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None]
) -> None:
    applied(host, ALL)
    spoil(Path(layout.POLICY + ".compiled"))
    capsys.readouterr()
    assert main(["apply", "--dry-run", written(host, ALL)]) == 0
    assert main(["apply", written(host, ALL)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "this policy is in force; it would be compiled anew", "this policy is in force; it was compiled anew",
    ]  # fmt: skip
    assert (deciding(), inforce.is_compiled(ALL.encode())) == ((ALL, True), True)


def test_a_policy_with_errors_changes_nothing(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(host, ALL)
    capsys.readouterr()
    path = written(host, ALL.replace("[all]", "[al, siz]"))
    assert main(["apply", "--yes", path]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.splitlines()[-1]) == ("", "rshellctl: nothing was changed")
    assert [line.partition(": ")[0] for line in said.err.splitlines()[:-1]] == [f"{path}:3:37", f"{path}:3:41"]
    assert deciding() == (ALL, True)


def test_a_broken_policy_in_force_is_told_and_kept(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(host, ALL)
    Path(layout.POLICY).write_text("rubbish")
    capsys.readouterr()
    assert main(["apply", written(host, QUIET)]) == 2
    assert capsys.readouterr().out.splitlines()[1:] == ["new: r (1 commands)"]
    assert applied(host, QUIET) == 0
    assert [inforce.text_of(one) for one in inforce.earlier()] == [b"rubbish"]


def test_a_policy_in_force_that_others_can_write_is_told_and_not_kept(
    host: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    applied(host, ALL)
    Path(layout.POLICY).chmod(0o666)
    capsys.readouterr()
    assert main(["apply", written(host, QUIET)]) == 2
    assert capsys.readouterr().out == (
        f"no policy is in force: {layout.POLICY} decides nothing: "
        f"{layout.POLICY} can be written by group or others; new: r (1 commands)\n"
    )
    assert applied(host, QUIET) == 0
    assert (deciding(), inforce.earlier()) == ((QUIET, True), [])


# -- rollback --------------------------------------------------------------------------------


def test_rollback_goes_back_and_forth(host: Path) -> None:
    for text in (ALL, QUIET):
        applied(host, text)
    for expected in (ALL, QUIET, ALL):
        assert main(["rollback", "--yes"]) == 0
        assert deciding() == (expected, True)


def test_rollback_takes_the_number_that_its_list_shows(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in (ALL, QUIET, SIZE):
        applied(host, text)
    capsys.readouterr()
    assert main(["rollback", "--list"]) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[-1]) for line in listed] == [
        ("2", inforce.short(QUIET.encode())), ("1", inforce.short(ALL.encode())),
    ]  # fmt: skip
    assert main(["rollback", "1", "--yes"]) == 0
    assert deciding() == (ALL, True)


def test_rollback_asks_as_apply_does(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in (ALL, QUIET):
        applied(host, text)
    capsys.readouterr()
    assert main(["rollback"]) == 2
    assert capsys.readouterr() == ("~ command  r  docker ps: +all -quiet\n", NEEDS_YES)
    assert deciding() == (QUIET, True)


def test_without_an_earlier_policy_rollback_says_so(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(host, ALL)
    capsys.readouterr()
    assert main(["rollback", "--list"]) == 0
    assert (main(["rollback", "--yes"]), main(["rollback", "7"])) == (1, 1)
    assert capsys.readouterr() == (
        "there are no earlier policies\n",
        "rshellctl: there is no earlier policy\n"
        "rshellctl: there is no policy 7; rshellctl rollback --list shows them\n",
    )


@pytest.mark.parametrize("spoil", [lambda path: path.write_text(SIZE), lambda path: path.chmod(0o666)])
def test_rollback_trusts_no_file_that_was_changed(host: Path, spoil: Callable[[Path], None]) -> None:
    for text in (ALL, QUIET):
        applied(host, text)
    spoil(inforce.earlier()[0].path)
    assert main(["rollback", "--yes"]) == 78
    assert deciding() == (QUIET, True)


def test_a_policy_that_has_errors_by_now_is_not_rolled_back_to(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    applied(host, ALL)
    Path(layout.POLICY).write_text("rubbish")
    applied(host, QUIET)
    assert main(["rollback", "--yes"]) == 1
    assert "nothing was changed: policy 1 has errors by now\n" in capsys.readouterr().err
    assert deciding() == (QUIET, True)


def test_only_so_many_policies_are_kept(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inforce, "KEPT", 2)
    for text in (ALL, QUIET, SIZE, ALL, QUIET):
        applied(host, text)
    assert [(one.number, inforce.text_of(one).decode()) for one in inforce.earlier()] == [(4, ALL), (3, SIZE)]
    assert len(os.listdir(layout.POLICIES)) == 2


# -- killed ------------------------------------------------------------------------------------

CALLS = ("open", "close", "fsync", "rename", "unlink", "mkdir", "chmod", "fchmod")


class Cut:
    """A file whose text is written in two halves; it may end in between."""

    def __init__(self, descriptor: int, count: Callable[[str], None]) -> None:
        self.descriptor, self.count = descriptor, count

    def __enter__(self) -> Cut:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def write(self, data: bytes) -> None:
        for part in (data[: len(data) // 2], data[len(data) // 2 :]):
            self.count("write")
            os.write(self.descriptor, part)

    def flush(self) -> None:
        return


def die() -> None:
    """Be killed."""
    os._exit(KILLED)


def run_out_of_disk() -> None:
    """Have a call fail."""
    raise OSError(errno.ENOSPC, "No space left on device")


def watched(act: Callable[[], int], at: int, then: Callable[[], None] = die) -> tuple[int, list[str]]:
    """Act in another process, where something happens in place of its so-manieth call that changes files.

    Returns its status and its calls; `!` is in front of the one where it happened, if there were so many.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        with os.fdopen(reader) as told:
            names = told.read().split()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), names
    calls = 0

    def count(name: str) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            write(writer, b"!")
            then()
        write(writer, f"{name}\n".encode())

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **named: Any) -> Any:
            count(name)
            return real(*words, **named)

        return call

    write = os.write
    try:
        sys.stdout = io.StringIO()
        for name in CALLS:
            setattr(os, name, counted(name, getattr(os, name)))
        os.fdopen = lambda descriptor, mode: Cut(descriptor, count)  # type: ignore[assignment]
        os._exit(act())
    except BaseException:
        os._exit(99)


@pytest.mark.parametrize(("then", "ends"), [(die, KILLED), (run_out_of_disk, 1)])
@pytest.mark.parametrize("spoil_compiled", [False, True])
def test_wherever_apply_is_killed_or_fails_the_old_or_the_new_policy_decides(
    host: Path, spoil_compiled: bool, then: Callable[[], None], ends: int
) -> None:
    path = written(host, QUIET)
    found = []
    for at in range(1, 1000):
        applied(host, ALL)
        if spoil_compiled:
            Path(layout.POLICY + ".compiled").write_bytes(b"rubbish")
        status, calls = watched(lambda: main(["apply", "--yes", path]), at, then)
        found.append(deciding()[0])
        happened = any(name.startswith("!") for name in calls)
        assert status in ((ends, 0) if happened else (0,))
        assert applied(host, SIZE) == 0  # what it left behind is in nobody's way
        assert deciding() == (SIZE, True)
        assert [name for name in os.listdir(layout.ETC) if name.startswith(".")] == []
        assert [name for name in os.listdir(layout.POLICIES) if name.startswith(".")] == []
        if not happened:
            break
    assert found.count(ALL) > 10
    assert found.count(QUIET) > 10
    assert set(found) == {ALL, QUIET}
    if then is die:
        assert found == [ALL] * found.count(ALL) + [QUIET] * found.count(QUIET)


def test_wherever_the_first_apply_is_killed_there_is_the_policy_or_none(host: Path) -> None:
    path = written(host, QUIET)
    found = []
    for at in range(1, 1000):
        status, _ = watched(lambda: main(["apply", path]), at)
        found.append(deciding()[0] if Path(layout.POLICY).exists() else "")
        for place in (layout.POLICY, layout.POLICY + ".compiled"):
            Path(place).unlink(missing_ok=True)
        if status == 0:
            break
    assert found == [""] * found.count("") + [QUIET] * found.count(QUIET)
    assert min(found.count(""), found.count(QUIET)) > 5


def test_a_policy_is_on_disk_before_it_takes_its_place_and_its_name_after(host: Path) -> None:
    """For the loss of power, which no test can bring about: in what order things are put on disk."""
    applied(host, ALL)
    path = written(host, QUIET)
    status, calls = watched(lambda: main(["apply", "--yes", path]), 0)
    changing = [name for name in calls if name in ("write", "fsync", "rename")]
    assert (status, changing) == (0, ["write", "write", "fsync", "rename", "fsync"] * 3)


# -- two at once ---------------------------------------------------------------------------------


def test_a_policy_that_was_applied_meanwhile_is_not_replaced_unseen(host: Path) -> None:
    applied(host, ALL)
    seen = inforce.current()
    applied(host, QUIET)
    with pytest.raises(inforce.Changed):
        inforce.put(SIZE.encode(), seen)
    assert deciding() == (QUIET, True)


def test_it_begins_again_when_another_policy_was_applied_meanwhile(
    host: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    applied(host, ALL)
    before = [inforce.current()]
    real = inforce.current
    applied(host, QUIET)
    capsys.readouterr()
    monkeypatch.setattr(inforce, "current", lambda: before.pop() if before else real())
    assert applied(host, SIZE) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "~ command  r  docker ps: +size -all", "another policy was applied meanwhile; again:",
        "~ command  r  docker ps: +size -quiet",
    ]  # fmt: skip


def test_one_waits_for_the_other(host: Path) -> None:
    applied(host, ALL)
    descriptor = os.open(layout.POLICIES, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    path = written(host, QUIET)
    child = os.fork()
    if not child:
        os.close(descriptor)
        sys.stdout = io.StringIO()
        os._exit(main(["apply", "--yes", path]))
    wanted = f"-> FLOCK  ADVISORY  WRITE {child} "
    while wanted not in Path("/proc/locks").read_text():
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    assert deciding() == (ALL, True)
    os.close(descriptor)
    assert os.waitpid(child, 0)[1] == 0
    assert deciding() == (QUIET, True)


# -- edit ----------------------------------------------------------------------------------------


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An editor that writes one of these texts each time, the first one first."""
    texts: list[str] = []

    def attend(name: str, *words: str) -> int:
        assert (name, words[:-1]) == ("my-editor", ("-w",))
        Path(words[-1]).write_text(texts.pop(0))
        return 0

    monkeypatch.setattr(edit, "attend", attend)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "my-editor -w")
    return texts


def test_an_edited_policy_is_applied(host: Path, editor: list[str]) -> None:
    applied(host, ALL)
    editor += [QUIET]
    assert main(["edit", "--yes"]) == 0
    assert deciding() == (QUIET, True)


def test_after_an_error_it_may_be_edited_again(
    host: Path, editor: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    applied(host, ALL)
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", Said("what\ne\n", True))
    editor += ["rubbish", QUIET]
    assert main(["edit", "--yes"]) == 0
    assert (editor, deciding()) == ([], (QUIET, True))
    assert capsys.readouterr().err.endswith(edit.QUESTION * 2)


@pytest.mark.parametrize("answer", ["x\n", ""])
def test_after_an_error_it_may_be_left(
    host: Path, editor: list[str], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    applied(host, ALL)
    monkeypatch.setattr(sys, "stdin", Said(answer, True))
    editor += ["rubbish"]
    assert main(["edit", "--yes"]) == 1
    assert deciding() == (ALL, True)


def test_an_editor_that_fails_changes_nothing(
    host: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    applied(host, ALL)
    monkeypatch.setenv("VISUAL", "/bin/false")
    assert main(["edit", "--yes"]) == 1
    assert capsys.readouterr().err == "rshellctl: nothing was changed: the editor ended with 1\n"
    assert deciding() == (ALL, True)


def test_there_must_be_a_policy_to_edit(host: Path, editor: list[str]) -> None:
    assert main(["edit", "--yes"]) == 78
