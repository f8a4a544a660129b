"""The prompt: one truth for Enter, colour and completion; a refused line stays and is explained."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import to_filter
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput

from rshell import say
from rshell.core import complete
from rshell.core.model import Permit, Refusal
from rshell.modes.repl import session
from rshell.modes.repl.keys import CONTROL
from rshell.modes.repl.prompt import MAX_CANDIDATES, Colours, Judged, Words
from rshell.modes.shell import Shell
from rshell.policy.check import context
from tests.repl.person import END, ENTER, HOME, INTERRUPT, TAB, UP, Person, pasted
from tests.support import corpus, judge, policy, written

REFUSED = "docker exec x id"


# -- Enter -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["docker ps -aq", "docker logs -f x", "echo 'a  b' | sort", "", "   ", "# nothing", "sudo ss -tlnp; whoami"]
)
def test_enter_on_an_allowed_line_returns_it_as_typed(person: Person, line: str) -> None:
    assert person.read(line + ENTER) == line
    assert (person.messages, person.recorded()) == ([], [])


def test_enter_on_a_refused_line_explains_it_and_keeps_it(person: Person) -> None:
    refusal = person.shell.judge(REFUSED)
    assert isinstance(refusal, Refusal)
    assert person.read(REFUSED, ENTER, f"{HOME}echo {ENTER}") == f"echo {REFUSED}"
    assert person.messages == [say.render(refusal).rstrip()]


def test_what_is_said_under_the_line_is_what_is_said_everywhere(person: Person) -> None:
    person.read(REFUSED, ENTER, f"{HOME}#{ENTER}")
    assert person.messages == [
        "rshell: denied: docker exec is not allowed [docker.exec]\n"
        "  docker exec x id\n"
        "  ^^^^^^^^^^^\n"
        "  why: it runs any command inside a container\n"
        "  instead: docker logs --tail 100 x\n"
        "  nothing was run; rewording, quoting or sudo will not change this"
    ]


def test_each_enter_on_a_refused_line_is_recorded_once(person: Person) -> None:
    person.read(f"{REFUSED}{ENTER}{HOME}#{ENTER}")
    assert person.refusals() == [(REFUSED, "docker.exec")]
    person.read(f"rm x{ENTER}{ENTER}{ENTER}{HOME}#{ENTER}")
    assert person.refusals() == [(REFUSED, "docker.exec")] + 3 * [("rm x", "unknown.command")]


def test_typing_what_would_be_refused_records_nothing(person: Person) -> None:
    assert person.read(f"{REFUSED}{INTERRUPT}rm x{INTERRUPT}whoami{ENTER}") == "whoami"
    assert person.recorded() == []


def test_the_message_goes_when_the_line_changes(person: Person) -> None:
    person.read("rm", ENTER, " x", INTERRUPT, f"true{ENTER}")
    assert {(line, message[:15]) for line, message in person.seen if line.startswith("rm")} == {
        ("rm", ""), ("rm", "rshell: unknown"), ("rm x", "")
    }  # fmt: skip


@pytest.mark.parametrize("line", ["docker ps 'a\nb' ", "docker ps |\nsort", "docker ps &&\ndocker info", "echo a\\\nb"])
def test_enter_on_an_unfinished_line_begins_another(person: Person, line: str) -> None:
    typed = line.replace("\n", ENTER)
    if isinstance(judge(line, terminal=True), Permit):
        assert person.read(typed + ENTER) == line
    else:
        assert person.read(f"{typed}{ENTER}{INTERRUPT}true{ENTER}") == "true"
        assert [raw for raw, _ in person.refusals()] == [line]


def test_a_here_document_is_asked_for_to_its_end(person: Person) -> None:
    person.read(f"docker ps <<'E'{ENTER}a{ENTER}E{ENTER}{INTERRUPT}true{ENTER}")
    assert person.refusals() == [("docker ps <<'E'\na\nE", "line.text")]


def test_a_line_of_many_is_judged_as_one(person: Person) -> None:
    person.read(f"docker ps |{ENTER}rm x{ENTER}{INTERRUPT}true{ENTER}")
    assert person.refusals() == [("docker ps |\nrm x", "unknown.command")]


def test_what_returns_may_run_whatever_was_typed(person: Person) -> None:
    for entry in corpus("restricted-shell.jsonl"):
        text = str(entry["input"])
        if text.isprintable() and text.isascii():
            line = person.read(f"{text}{ENTER}{INTERRUPT}true{ENTER}")
            assert isinstance(judge(line, terminal=True), Permit) or not line.strip()
            if line != "true":
                assert person.read() == "true"


def test_enter_in_the_menu_takes_the_word_and_runs_nothing(person: Person) -> None:
    steps = (f"docker network l{TAB}", person.has_menu, TAB, ENTER, f" -q{ENTER}")
    assert person.read(*steps) == "docker network list -q"


def test_tab_completes_what_is_unambiguous(person: Person) -> None:
    def ends_with(end: str) -> Callable[[], bool]:
        return lambda: person.line.endswith(end)

    steps = (f"doc{TAB}", ends_with("docker"), f" inf{TAB}", ends_with("info"), f"; docker ps --no{TAB}")
    assert person.read(*steps, ends_with("trunc"), ENTER) == "docker info; docker ps --no-trunc"


def test_a_record_that_nobody_takes_ends_the_session(person: Person, capfd: pytest.CaptureFixture[str]) -> None:
    person.shell.audit.file = "/proc/nowhere/audit.jsonl"
    person.leave(REFUSED + ENTER)
    first = "rshell: unavailable: nothing can be recorded, so nothing runs [audit.lost]"
    assert capfd.readouterr().err.splitlines()[0] == first


# -- keys ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [EditingMode.EMACS, EditingMode.VI])
@pytest.mark.parametrize("key", ["\x11", "\x16", "\x1a"])
def test_quoted_insert_and_suspend_do_nothing(person: Person, key: str, mode: EditingMode) -> None:
    person.prompt.session.app.editing_mode = mode
    assert person.read(f"echo {key}a{key}{ENTER}") == "echo a"


@pytest.mark.parametrize("mode", [EditingMode.EMACS, EditingMode.VI])
@pytest.mark.parametrize("key", ["\x11", "\x16"])
def test_no_newline_gets_in_behind_an_allowed_command(person: Person, key: str, mode: EditingMode) -> None:
    """lshell's escape: C-v C-j after an allowed command."""
    person.prompt.session.app.editing_mode = mode
    assert person.read(f"echo a{key}\nbash -i{ENTER}{INTERRUPT}true{ENTER}") == "echo a"
    assert person.read() == "true"


@pytest.mark.parametrize("mode", [EditingMode.EMACS, EditingMode.VI])
@pytest.mark.parametrize("key", [chr(number) for number in range(1, 32) if chr(number) not in "\x03\x04\x1b"])
def test_no_control_key_puts_itself_into_the_line(person: Person, key: str, mode: EditingMode) -> None:
    person.prompt.session.app.editing_mode = mode
    assert person.read(f"echo a{key}", f"b{key}", INTERRUPT, f"true{ENTER}").isprintable()
    assert all(line.replace("\n", "").isprintable() for line, _ in person.seen)


@pytest.mark.parametrize("key", [ENTER, "\n", "\x0f", "\x1b\r", "\x1b\n", "\x1bOM", "\x18\r"])
def test_no_key_gets_a_refused_line_past_its_judge(person: Person, key: str) -> None:
    """C-o and M-Enter accept a line too."""
    assert person.read("rm x", key, INTERRUPT, f"true{ENTER}") == "true"


@pytest.mark.parametrize("key", [ENTER, "\n", "\x1b\r", "x", "\x16"])
def test_no_key_of_vi_gets_a_refused_line_past_its_judge(person: Person, key: str) -> None:
    person.prompt.session.app.editing_mode = EditingMode.VI
    assert person.read("rm x", "\x1b", key, INTERRUPT, f"true{ENTER}") == "true"


def test_interrupt_clears_the_line(person: Person) -> None:
    assert person.read(f"docker exec{INTERRUPT}docker ps{ENTER}") == "docker ps"


def test_end_leaves_from_an_empty_line_and_deletes_in_another(person: Person) -> None:
    assert person.read(f"pwdx{HOME}\x06\x06\x06{END}{ENTER}") == "pwd"
    assert str(person.leave(END)) == ""


def test_a_hang_up_of_the_input_leaves(person: Person) -> None:
    person.keys.close()
    with pytest.raises(session.Leave):
        person.prompt.read(0)


def test_the_lines_of_the_session_can_be_had_back(person: Person) -> None:
    person.read(f"docker ps -a{ENTER}")
    assert person.read(UP + ENTER) == "docker ps -a"


def test_nothing_is_read_from_or_kept_in_a_file(person: Person) -> None:
    assert type(person.prompt.session.history) is InMemoryHistory


# -- pastes ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["\x1b[31m", "\x07", "\x00b", "a\x1bb", "\u202e", "\u200b", "\x7f", "\x85", "\u2028x"])
def test_a_paste_with_control_characters_is_refused_whole(person: Person, text: str) -> None:
    assert person.read(f"echo {pasted('docker ps ' + text)}{ENTER}") == "echo "
    assert person.messages == [CONTROL]


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_a_paste_of_many_lines_is_inserted_and_runs_nothing(person: Person, newline: str) -> None:
    text = pasted(f"docker ps{newline}docker info{newline}")
    assert person.read(f"{text} -f x{ENTER}") == "docker ps\ndocker info -f x"


def test_a_paste_of_many_lines_is_judged_as_a_whole(person: Person) -> None:
    person.read(pasted("docker ps\nbash -i") + f"{ENTER}{INTERRUPT}true{ENTER}")
    assert person.refusals() == [("docker ps\nbash -i", "shell.usage")]


def test_a_paste_goes_where_the_cursor_is(person: Person) -> None:
    assert person.read(f"echo c{HOME}{pasted('true; ')}{ENTER}") == "true; echo c"


@settings(deadline=None)
@given(st.text())
def test_whatever_is_pasted_is_printable_or_is_not_inserted(text: str) -> None:
    """The rule of the paste, and of the line, are one: what a paste may hold, a line may hold."""
    data = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    refused = judge(f"echo '{data.replace(chr(39), '')}'")
    is_plain = data.replace("\n", "").replace("\t", "").isprintable()
    assert is_plain == (not isinstance(refused, Refusal) or refused.code not in ("line.character", "line.encoding"))


# -- what is off -----------------------------------------------------------------------


def test_no_shell_and_no_editor_can_be_started_from_the_prompt(person: Person) -> None:
    made = person.prompt.session
    off = (made.enable_system_prompt, made.enable_open_in_editor, made.enable_suspend)
    assert [to_filter(one)() for one in off] == [False, False, False]


@pytest.mark.parametrize(
    ("mode", "typed"),
    [
        (EditingMode.EMACS, "\x1b!id\r"),  # M-!: the system prompt
        (EditingMode.EMACS, "\x18\x05"),  # C-x C-e: the editor
        (EditingMode.VI, "\x1bv"),  # v: the editor
        (EditingMode.VI, "\x1b!id\r"),
        (EditingMode.EMACS, "\x1a"),  # C-z
    ],
)
def test_the_keys_for_them_start_nothing(
    person: Person, mode: EditingMode, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(Buffer, "open_in_editor", lambda *_, **__: started.append("editor"))
    for name in ("run_system_command", "suspend_to_background"):
        monkeypatch.setattr(Application, name, lambda *_, name=name, **__: started.append(name))
    person.prompt.session.app.editing_mode = mode
    person.read(f"echo a{typed}{INTERRUPT}itrue{ENTER}{INTERRUPT}true{ENTER}")
    assert started == []


# -- silence ---------------------------------------------------------------------------


def test_a_prompt_that_nobody_touches_is_left(keys: PipeInput, person: Person) -> None:
    person.shell.policy = person.shell.policy.but(settings={**person.shell.policy.settings, "idle": 1})
    assert str(person.leave()) == "rshell: nothing was typed for too long"
    assert str(person.leave("docker ")) == "rshell: nothing was typed for too long"


def test_the_idle_time_is_the_policy_s() -> None:
    assert policy().settings["idle"] == 3600


# -- colours ---------------------------------------------------------------------------


@pytest.fixture
def shell(person: Person) -> Shell:
    return person.shell


def marked(shell: Shell, text: str) -> list[str]:
    """What is painted as refused, for each line of a text."""
    line_of = Colours(Judged(shell)).lex_document(Document(text))
    count = len(Document(text).lines)
    assert "\n".join("".join(part[1] for part in line_of(number)) for number in range(count)) == text
    return ["".join(part[1] for part in line_of(number) if part[0] == "class:refused") for number in range(count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker ps -a --privileged x", ["--privileged"]),
        ("docker exec x", ["docker exec"]),
        ("docker ps; rm x", ["rm"]),
        ("docker logs --tail 1000000 x", ["--tail 1000000"]),
        ("docker ps extra -a", ["extra"]),
        ("docker ps\nrm x\necho", ["", "rm", ""]),
        ("docker ps\n\ndocker \\\n  exec x", ["", "", "docker \\", "  exec"]),
        ("ss $(id) ", ["$("]),
        ("echo '\u00e4\u00f6'; rm x", ["rm"]),
        ("docker ps \x1b[31m ", ["\x1b"]),
    ],
)  # fmt: skip
def test_exactly_what_was_refused_is_red(shell: Shell, text: str, expected: list[str]) -> None:
    assert marked(shell, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "d", "docker", "docker ", "docker lo", "docker logs", "docker logs --ta", "docker ps |", "docker ps 'x"],
)
def test_nothing_is_red_while_it_is_unfinished(shell: Shell, text: str) -> None:
    assert marked(shell, text) == [""]


@settings(deadline=None)
@given(st.one_of(st.text(), st.sampled_from([str(entry["input"]) for entry in corpus("restricted-shell.jsonl")])))
def test_red_is_what_the_decision_says_for_any_text(text: str) -> None:
    text = text.replace("\r", "")
    judged = Judged.__new__(Judged)
    judged.shell = _Rules()  # type: ignore[assignment]
    judged.text, judged.decided = "", None
    document = Document(text)
    line_of = Colours(judged).lex_document(document)
    red = "".join(part[1] for n in range(len(document.lines)) for part in line_of(n) if part[0] == "class:refused")
    refusal = judged.refused(text)
    at = refusal.at if refusal is not None and refusal.line == text and refusal.at is not None else (0, 0)
    assert red == text[at[0] : at[1]].replace("\n", "")


class _Rules:
    """As much of a shell as the colours look at."""

    policy, context = policy(), context(terminal=True)

    def judge(self, line: str) -> Permit | Refusal:
        return judge(line, terminal=True)


# -- completion ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "docker ", "docker ps -", "docker logs x -", "journalctl -u ", "ss | ", "rm "])
def test_the_menu_shows_the_candidates_with_what_they_are(shell: Shell, text: str) -> None:
    shown = list(Words(shell).get_completions(Document(text), CompleteEvent()))
    expected = complete.candidates(shell.policy, text, shell.context)
    assert [(one.text, len(text) + one.start_position, one.display_meta_text) for one in shown] == [
        (one.text, one.start, one.about) for one in expected
    ]


def test_only_what_stands_before_the_cursor_counts(shell: Shell) -> None:
    shown = Words(shell).get_completions(Document("doc ps", cursor_position=3), CompleteEvent())
    assert [one.text for one in shown] == ["docker"]


def test_a_menu_has_an_end(shell: Shell) -> None:
    many = "|".join(f"unit{number}" for number in range(MAX_CANDIDATES + 50))
    grant = f"{{journalctl: {{options: [unit: {many}]}}}}"
    shell.policy = written(f"version: 1\nroles: {{r: {{grants: [a]}}}}\ngrants: {{a: {{commands: {grant}}}}}\n")
    shown = list(Words(shell).get_completions(Document("journalctl -u "), CompleteEvent()))
    assert len(shown) == MAX_CANDIDATES


# -- the session -----------------------------------------------------------------------


def test_a_session_runs_lines_until_its_exit_and_returns_that_status(
    keys: PipeInput, person: Person, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    typed = ("echo one", "", "# no", "false || echo $?", f"rm x{ENTER}{INTERRUPT}history", "exit 3", "echo")
    keys.send_text("".join(line + ENTER for line in typed))
    assert session.run(person.shell) == 3
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == (
        f"{session.WELCOME}one\n1\n    1  echo one\n    2  # no\n    3  false || echo $?\n    4  history\n",
        "",
    )


def test_a_session_is_recorded_from_its_opening_to_its_end(
    keys: PipeInput, person: Person, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    keys.send_text(f"true{ENTER}rm x{ENTER}{INTERRUPT}false{ENTER}{END}")
    assert session.run(person.shell) == 1
    assert [(record["event"], record.get("raw"), record.get("status")) for record in person.recorded()] == [
        ("open", None, None), ("builtin", "true", None), ("refuse", "rm x", None), ("builtin", "false", None),
        ("close", None, 1),
    ]  # fmt: skip


def test_a_session_that_can_record_nothing_serves_nothing(person: Person, capfd: pytest.CaptureFixture[str]) -> None:
    person.shell.audit.file = "/proc/nowhere/audit.jsonl"
    assert session.run(person.shell) == 78
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("term", "kind"), [("xterm", "Prompt"), ("linux", "Prompt"), ("dumb", "Plain"), ("", "Plain"), ("unknown", "Plain")]
)
def test_a_terminal_that_can_do_nothing_gets_a_plain_prompt(
    person: Person, monkeypatch: pytest.MonkeyPatch, term: str, kind: str
) -> None:
    monkeypatch.setattr(session, "claimed", {"TERM": term}.__getitem__)
    read = session.reader(person.shell)
    assert type(read.__self__).__name__ == kind  # type: ignore[attr-defined]


def test_the_prompt_shows_no_control_character_of_a_host_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named:
        nodename = "a\x1b]0;b"

    monkeypatch.setattr("rshell.modes.repl.session.os.uname", Named)
    assert session.prompt_text() == "rshell:a\\x1b]0;b> "
