"""The wrappers around a line: sudo, sh -c, Hermes' SSH backend; and everything that only looks like them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell import say
from rshell.core import builtins, unwrap
from rshell.core.line import parse
from rshell.core.model import Group, Permit, Refusal, Script, Word
from rshell.core.unwrap import Hermes
from tests import support

MARKER = "0f3a9c1b2d4e"
# What Hermes sends for `docker ps --format '{{json .}}' 2>&1 | head -n 20`, byte for byte.
SENT = r"""bash -c 'export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}"
export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-cat}"
builtin cd -- ~ || exit 126
eval '"'"'docker ps --format '"'"'\'"'"''"'"'{{json .}}'"'"'\'"'"''"'"' 2>&1 | head -n 20'"'"'
__hermes_ec=$?
umask 077
printf '"'"'\n__HERMES_CWD_0f3a9c1b2d4e__%s__HERMES_CWD_0f3a9c1b2d4e__\n'"'"' "$(pwd -P)"
exit $__hermes_ec'"""
PAYLOAD = "docker ps --format '{{json .}}' 2>&1 | head -n 20"
EXPORTS = r"""export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}"
export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-cat}"
"""


def wrapped(payload: str = "'docker ps'", directory: str = "~", exports: str = EXPORTS, marker: str = MARKER) -> str:
    """The script as Hermes writes it, for words that are already quoted."""
    return (
        f"{exports}builtin cd -- {directory} || exit 126\neval {payload}\n__hermes_ec=$?\numask 077\n"
        f"printf '\\n__HERMES_CWD_{marker}__%s__HERMES_CWD_{marker}__\\n' \"$(pwd -P)\"\nexit $__hermes_ec"
    )


def words(line: str) -> tuple[Word, ...]:
    script = parse(line)
    assert isinstance(script, Script), script
    ((_, (simple,)),) = script.items
    return simple.words


# -- Hermes --


def test_what_hermes_sends_is_three_words_and_its_wrapper_is_recognised() -> None:
    script = unwrap.shell_line(words(SENT))
    assert script is not None
    assert script.text == shlex.split(SENT)[2]
    assert unwrap.hermes(script.text) == Hermes("~", PAYLOAD, MARKER)


def test_what_hermes_sends_is_decided_as_its_payload() -> None:
    permit = support.judge(SENT)
    assert isinstance(permit, Permit)
    ((_, (group,)),) = permit.items
    assert isinstance(group, Group)
    assert (group.wrapper, group.directory, group.marker) == ("hermes", support.somewhere().home, MARKER)
    plain = support.judge(PAYLOAD)
    assert isinstance(plain, Permit)
    assert group.body == plain


@pytest.mark.parametrize("exports", ["", EXPORTS, EXPORTS.splitlines(True)[0], EXPORTS.splitlines(True)[1]])
def test_the_export_lines_may_be_missing(exports: str) -> None:
    assert unwrap.hermes(wrapped(exports=exports)) == Hermes("~", "docker ps", MARKER)


@pytest.mark.parametrize(
    ("written", "directory"),
    [
        ("~", "~"),
        ("~/work", "~/work"),
        ("/home/ai-worker", "/home/ai-worker"),
        ("'/home/ai-worker/a b'", "/home/ai-worker/a b"),
        ("'/tmp/it'\"'\"'s'", "/tmp/it's"),
        ("/", "/"),
    ],
)
def test_the_directory_may_be_any_literal_path(written: str, directory: str) -> None:
    assert unwrap.hermes(wrapped(directory=written)) == Hermes(directory, "docker ps", MARKER)


@given(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \n\t"), max_size=40))
def test_any_printable_payload_comes_out_as_it_went_in(payload: str) -> None:
    assert unwrap.hermes(wrapped("'" + payload.replace("'", "'\\''") + "'")) == Hermes("~", payload, MARKER)
    assert unwrap.hermes(wrapped("'" + payload.replace("'", "'\"'\"'") + "'")) == Hermes("~", payload, MARKER)


@given(st.integers(0, len(wrapped()) - 1), st.sampled_from("; &|$`'\"\\#\n\tx0(){}<>~*"))
def test_a_character_put_into_the_fixed_text_is_never_passed_over(at: int, char: str) -> None:
    """Recognised are only scripts that are, but for the three holes, the template."""
    text = wrapped()
    spoiled = text[:at] + char + text[at:]
    found = unwrap.hermes(spoiled)
    if found is not None:
        line = next(row for row in spoiled.split("\n") if row.startswith("builtin"))
        directory = line.removeprefix("builtin cd -- ").removesuffix(" || exit 126")
        payload = spoiled.partition("\neval ")[2].rpartition("\n__hermes_ec")[0]
        assert shlex.split(directory, comments=False) == [found.directory]
        assert shlex.split(payload, comments=False) == [found.payload]
        assert spoiled.rstrip("\n") == wrapped(payload, directory)


def _line(number: int, text: str) -> str:
    """The wrapper with one of its lines replaced."""
    lines = wrapped().split("\n")
    lines[number] = text
    return "\n".join(lines)


FIRST, SECOND, CD, EVAL, STATUS, UMASK, PRINT, EXIT = range(8)
PRINTED = f"printf '\\n__HERMES_CWD_{MARKER}__%s__HERMES_CWD_{MARKER}__\\n' \"$(pwd -P)\""


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (FIRST, 'export AI_AGENT="${AI_AGENT:-$(id)}" HERMES_AGENT="${HERMES_AGENT:-true}"'),
        (FIRST, 'export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}" PATH=/tmp'),
        (FIRST, 'export AI_AGENT="${AI_AGENT:-hermes-agent}" HERMES_AGENT="${HERMES_AGENT:-true}"; id'),
        (FIRST, "export LD_PRELOAD=/tmp/x.so"),
        (FIRST, "source /tmp/hermes-snap-0f3a9c1b2d4e.sh >/dev/null 2>&1 || true"),
        (FIRST, "id"),
        (FIRST, ""),
        (SECOND, 'export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-sh}"'),
        (SECOND, 'export GIT_PAGER="${GIT_PAGER:-cat}" PAGER="${PAGER:-cat}" & id'),
        (SECOND, "id"),
        (CD, "builtin cd -- ~ || exit 0"),
        (CD, "builtin cd -- ~ && exit 126"),
        (CD, "builtin cd -- ~"),
        (CD, "builtin cd ~ || exit 126"),
        (CD, "cd -- ~ || exit 126"),
        (CD, "builtin cd --  || exit 126"),
        (CD, "builtin cd -- || exit 126"),
        (CD, "builtin cd -- ~ ~ || exit 126"),
        (CD, "builtin cd -- ~root || exit 126"),
        (CD, "builtin cd -- ~/../x* || exit 126"),
        (CD, "builtin cd -- ~/$(id) || exit 126"),
        (CD, "builtin cd -- $HOME || exit 126"),
        (CD, "builtin cd -- `id` || exit 126"),
        (CD, "builtin cd -- /tmp; id || exit 126"),
        (CD, "builtin cd -- /tmp || id || exit 126"),
        (CD, "builtin cd -- /tmp | id || exit 126"),
        (CD, "builtin cd -- /tmp >/dev/null || exit 126"),
        (CD, "builtin cd -- '' || exit 126"),
        (CD, "builtin cd -- '~' || exit 126"),
        (CD, "builtin cd -- '~/x' || exit 126"),
        (CD, "builtin cd -- \\~ || exit 126"),
        (CD, "builtin cd -- - || exit 126"),
        (CD, "builtin cd -- /tmp # || exit 126"),
        (CD, "builtin cd -- /tmp; || exit 126"),
        (CD, "builtin cd -- /tmp  || exit 126 "),
        (CD, "id\nbuiltin cd -- ~ || exit 126"),
        (CD, "builtin cd -- ~ || exit 126\nid"),
        (EVAL, "eval docker ps"),
        (EVAL, "eval 'docker ps' 'docker rm x'"),
        (EVAL, "eval 'docker ps'; id"),
        (EVAL, "eval 'docker ps' && id"),
        (EVAL, "eval 'docker ps' | id"),
        (EVAL, "eval 'docker ps' >/tmp/x"),
        (EVAL, "eval 'docker ps' 2>&1"),
        (EVAL, "eval 'docker ps' &"),
        (EVAL, "eval 'docker ps';"),
        (EVAL, "eval 'docker ps' # x"),
        (EVAL, "eval # x\n'docker ps'"),
        (EVAL, "eval \n'docker ps'"),
        (EVAL, "eval 'docker ps'\n"),
        (EVAL, "eval $HOME"),
        (EVAL, 'eval "$HOME"'),
        (EVAL, 'eval "$(id)"'),
        (EVAL, "eval $(id)"),
        (EVAL, "eval `id`"),
        (EVAL, "eval *"),
        (EVAL, "eval ~"),
        (EVAL, "eval ~/x"),
        (EVAL, "eval"),
        (EVAL, "eval "),
        (EVAL, "eval 'docker ps"),
        (EVAL, "id; eval 'docker ps'"),
        (EVAL, " eval 'docker ps'"),
        (EVAL, "builtin eval 'docker ps'"),
        (EVAL, "eval 'docker ps'\nid"),
        (EVAL, "eval 'docker ps'\neval 'id'"),
        (EVAL, "id\neval 'docker ps'"),
        (EVAL, "eval 'a'\n__hermes_ec=$?\numask 077\nid"),
        (EVAL, "eval 'docker ps \x1b[0m'"),
        (EVAL, "eval 'docker \u202eps'"),
        (STATUS, "__hermes_ec=0"),
        (STATUS, "__hermes_ec=$?; id"),
        (STATUS, "__hermes_ec=$(id)"),
        (STATUS, " __hermes_ec=$?"),
        (UMASK, "umask 000"),
        (UMASK, "umask 077; id"),
        (UMASK, "umask 077\nid"),
        (UMASK, ""),
        (PRINT, PRINTED.replace("pwd -P", "id")),
        (PRINT, PRINTED.replace("pwd -P", "pwd -P; id")),
        (PRINT, PRINTED + "; id"),
        (PRINT, PRINTED + " >/tmp/x"),
        (PRINT, PRINTED.replace("%s", "%s%s")),
        (PRINT, PRINTED.replace("%s", "%n")),
        (PRINT, PRINTED.replace(MARKER, MARKER.upper())),
        (PRINT, PRINTED.replace(MARKER, MARKER[:-1])),
        (PRINT, PRINTED.replace(MARKER, MARKER + "0")),
        (PRINT, PRINTED.replace(MARKER, "............")),
        (PRINT, PRINTED.replace(MARKER, "")),
        (PRINT, PRINTED.replace(MARKER, "0f3a9c1b2d4f", 1)),
        (PRINT, PRINTED.replace("printf", "echo")),
        (PRINT, PRINTED.replace('"$(pwd -P)"', "$(pwd -P)")),
        (EXIT, "exit 0"),
        (EXIT, "exit $__hermes_ec; id"),
        (EXIT, "exit $__hermes_ec\nid"),
        (EXIT, "exit $__hermes_ec\n\n"),
        (EXIT, "id"),
        (EXIT, ""),
    ],
)
def test_a_line_of_the_wrapper_that_is_another_is_not_the_wrapper(number: int, text: str) -> None:
    assert unwrap.hermes(_line(number, text)) is None


@pytest.mark.parametrize(
    "text", ["", "docker ps", "eval 'docker ps'", "\neval 'x'\n__hermes_ec=$?\n", wrapped() + ";", "id\n" + wrapped()]
)
def test_another_script_is_not_the_wrapper(text: str) -> None:
    assert unwrap.hermes(text) is None


def test_each_line_of_the_wrapper_is_needed_once() -> None:
    lines = wrapped().split("\n")
    for number in range(CD, len(lines)):
        assert unwrap.hermes("\n".join(lines[:number] + lines[number + 1 :])) is None
        assert unwrap.hermes("\n".join(lines[: number + 1] + lines[number:])) is None


@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    assert unwrap.hermes(text) is None
    found = unwrap.hermes(wrapped(text))
    assert found is None or isinstance(found, Hermes)
    found = unwrap.hermes(wrapped(directory=text))
    assert found is None or isinstance(found, Hermes)


@pytest.mark.parametrize("directory", ["''", '""', "~", "-", "'~'", "/nowhere", "''\"\""])
def test_any_directory_in_the_wrapper_is_decided_on(directory: str) -> None:
    answer = support.judge("bash -c " + say.quote(wrapped(directory=directory)))
    assert isinstance(answer, Permit | Refusal)


# -- sudo --


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("sudo", 1),
        ("sudo docker ps", 1),
        ("sudo -n docker ps -a", 2),
        ("sudo -S -p '' docker ps", 4),
        ("sudo -nS docker ps", 2),
        ("sudo -n -- docker ps", 3),
        ("sudo --non-interactive docker ps", 2),
        ("/usr/bin/sudo -n docker ps", 2),
        ("/run/wrappers/bin/sudo docker ps", 1),
        ("/run/current-system/sw/bin/sudo docker ps", 1),
        ("sudo -n sudo -n docker ps", 2),
        ("sudo -n", 2),
    ],
)
def test_the_words_of_sudo_in_front_are_counted(line: str, count: int) -> None:
    assert unwrap.sudo(words(line)) == count


@pytest.mark.parametrize(
    "option",
    [
        "-u root", "-uroot", "--user=root", "-g docker", "-i", "-s", "-E", "-H", "-b", "-A", "-k", "-K", "-l", "-v",
        "-e", "-D /", "-R /", "-C 4", "-h host", "-T 1", "-nE", "-nu root", "-p", "-pX", "--prompt=x", "-", "---",
        "--preserve-env=PATH", "--stdin=1", "-n=1", "-n$?", "-$?n", "--$?",
    ],
)  # fmt: skip
def test_any_other_option_of_sudo_is_refused(option: str) -> None:
    assert unwrap.sudo(words(f"sudo {option}")) is None


def test_after_two_dashes_sudo_takes_no_option() -> None:
    assert unwrap.sudo(words("sudo -- -n docker ps")) == 2


# -- sh -c --


@pytest.mark.parametrize("shell", sorted(builtins.SHELLS))
@pytest.mark.parametrize("flags", ["-c", "-lc", "-cl", "-l -c", "--login -c"])
def test_the_line_of_a_shell_is_its_last_word(shell: str, flags: str) -> None:
    line = f"{shell} {flags} 'docker ps | head'"
    start = line.index("'")
    assert unwrap.shell_line(words(line)) == Word("docker ps | head", (start, len(line)), True)


@pytest.mark.parametrize(
    "line",
    [
        "bash",
        "bash -c",
        "bash -lc",
        "bash 'docker ps'",
        "bash -l",
        "bash -l 'docker ps'",
        "bash -s",
        "bash -i -c 'docker ps'",
        "bash -ic 'docker ps'",
        "bash -xc 'docker ps'",
        "bash -c -l 'docker ps'",
        "bash -c 'docker ps' name",
        "bash -c -- 'docker ps'",
        "bash -- -c 'docker ps'",
        "bash --rcfile /tmp/x -c 'docker ps'",
        "bash --norc -c 'docker ps'",
        "bash -o pipefail -c 'docker ps'",
        "bash -O extglob -c 'docker ps'",
        "bash +c 'docker ps'",
        "bash -c -c 'docker ps'",
        "bash script.sh",
        "bash -c$? 'docker ps'",
        "bash -$?c 'docker ps'",
        "bash $?-c 'docker ps'",
    ],
)
def test_another_call_of_a_shell_is_not_a_line(line: str) -> None:
    assert unwrap.shell_line(words(line)) is None


@pytest.mark.parametrize(
    "line",
    [
        "sudo$? docker ps",
        "sudo -n$? docker ps",
        "bash$? -c 'docker ps'",
        "bash -c$? 'docker ps'",
        "true$?",
        "echo$? x",
        "timeout$? 5 docker ps",
        "docker$? ps",
        "docker ps 2>&1$?",
    ],
)
def test_a_name_with_a_status_glued_to_it_is_another_name(line: str) -> None:
    assert isinstance(support.judge(line), Refusal)
