"""Whatever line.parse accepts means the same in real dash and real bash: argv, branches, redirections, stdin."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rshell.core.line import parse
from rshell.core.model import Refusal, Script, Simple, Word

SHELLS = ("dash", "bash")
BATCH = 12  # lines for each start of a shell
SCALE = 3  # batches for each example that the hypothesis profile asks for; 100 in the default one
HOME, USER = "/home/ai-worker", "ai-worker"
STATUSES = {"docker": 0, "grep": 1, "head": 0, "wc": 3}  # the stand-ins, and how they end
GIVEN = {"0": 0, "1": 1, "7": 7}  # a stand-in whose first operand is one of these ends so
NOT_FOUND = 127

# A stand-in appends its name, where its descriptors go, its stdin if that is a pipe, and its argv.
STAND_IN = r"""#!/bin/dash
where() {
    if [ "$1" -ef /dev/null ]; then fds="$fds null"
    elif [ "$1" -ef "$SEEN.in" ]; then fds="$fds in"
    elif [ "$1" -ef "$SEEN.out" ]; then fds="$fds out"
    elif [ "$1" -ef "$SEEN.err" ]; then fds="$fds err"
    elif [ -p "$1" ]; then fds="$fds pipe"
    else fds="$fds other"; fi
}
fds=
text=
where /proc/self/fd/0; where /proc/self/fd/1; where /proc/self/fd/2
if [ -p /proc/self/fd/0 ]; then
    while IFS= read -r row; do text="$text$row|"; done
fi
name="${0##*/}"
printf '%s\0' "$#" "$name" "$fds" "$text" "$@" >>"$SEEN"
case "$1" in 0|1|7) exit "$1" ;; esac
exit STATUS
"""
# Runs each of its operands as a line of its own; a record with a count of - ends a line.
DRIVER = r"""
shell=$1
shift
for line do
    "$shell" -c "$line" <"$SEEN.in" >"$SEEN.out" 2>"$SEEN.err"
    printf -- '-\0%s\0' "$?" >>"$SEEN"
done
"""

Record = tuple[tuple[str, ...], tuple[str, ...], str]  # argv, where 0 1 2 go, text on stdin
Pipelines = list[list[Record]]


class Ground:
    """A directory with the stand-ins, and shells that know no other program."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.programs = root / "programs"
        self.programs.mkdir()
        for name, status in STATUSES.items():
            program = self.programs / name
            program.write_text(STAND_IN.replace("STATUS", str(status)))
            program.chmod(0o755)

    def run(self, lines: list[str], shells: tuple[str, ...]) -> dict[str, list[tuple[list[Record], int]]]:
        """What each line made the stand-ins see, and its status, for each shell."""
        started = {shell: self.start(shell, lines) for shell in shells}
        found = {}
        for shell, process in started.items():
            assert process.wait() == 0
            found[shell] = list(_read(self.root / shell))
        return found

    def start(self, shell: str, lines: list[str]) -> subprocess.Popen[bytes]:
        seen = self.root / shell
        for name in ("", ".in", ".out", ".err"):
            seen.with_name(seen.name + name).write_bytes(b"")
        variables = {"PATH": str(self.programs), "HOME": HOME, "USER": USER, "SEEN": str(seen), "LC_ALL": "C.UTF-8"}
        command = ["/bin/dash", "-c", DRIVER, "driver", f"/bin/{shell}", *lines]
        return subprocess.Popen(command, env=variables, cwd=self.root)


def _read(seen: Path) -> Iterator[tuple[list[Record], int]]:
    fields = iter(seen.read_bytes().decode().split("\0")[:-1])
    records: list[Record] = []
    for count in fields:
        if count == "-":
            yield records, int(next(fields))
            records = []
            continue
        name, descriptors, text = next(fields), next(fields), next(fields)
        argv = (name, *itertools.islice(fields, int(count)))
        text = "" if text.endswith("not found|") else text  # what the shell said of a command before the pipe
        records.append((argv, tuple(descriptors.split()), text))


# -- what we say a line means --


def meaning(script: Script, shell: str) -> tuple[Pipelines, int]:
    """The records of each pipeline that runs, and the status of the line: what rshell's own runner would do."""
    empty = "null" if shell == "bash" else "pipe"  # how the shell hands over a here-document without a line
    status = 0
    ran: Pipelines = []
    for operator, pipeline in script.items:
        if (operator == "&&" and status) or (operator == "||" and not status):
            continue
        argvs = [tuple(filled(word, status) for word in simple.words) for simple in pipeline]
        seen = [
            record(simple, argv, index > 0, index < len(pipeline) - 1, empty)
            for index, (simple, argv) in enumerate(zip(pipeline, argvs, strict=True))
            if argv[0] in STATUSES
        ]
        ran.append(seen)
        status = ending(argvs[-1])
    return ran, status


def filled(word: Word, status: int) -> str:
    """The word with its parameters put in."""
    values = {"HOME": HOME, "USER": USER, "?": str(status)}
    text, added = word.text, 0
    for index, name in word.holes:
        text = text[: index + added] + values[name] + text[index + added :]
        added += len(values[name])
    return text


def ending(argv: tuple[str, ...]) -> int:
    status = STATUSES.get(argv[0], NOT_FOUND)
    return status if status == NOT_FOUND else GIVEN.get(argv[1] if len(argv) > 1 else "", status)


def record(simple: Simple, argv: tuple[str, ...], piped_in: bool, piped_out: bool, empty: str) -> Record:
    places = ["pipe" if piped_in else "in", "pipe" if piped_out else "out", "err"]
    if simple.text is not None:
        places[0] = "pipe" if simple.text else empty
    for redirect in simple.redirects:
        places[redirect.fd] = "null" if redirect.to < 0 else places[redirect.to]
    text = simple.text if simple.text is not None and places[0] == "pipe" else ""
    return argv, tuple(places), text.replace("\n", "|")


def differences(ground: Ground, lines: list[str], shells: tuple[str, ...] = SHELLS) -> list[str]:
    """Say for every accepted line where a shell sees it otherwise."""
    accepted = [(line, script) for line in lines if isinstance(script := parse(line), Script) and comparable(script)]
    found = ground.run([line for line, _ in accepted], shells)
    different = []
    for shell in shells:
        for (line, script), (records, status) in zip(accepted, found[shell], strict=True):
            pipelines, expected = meaning(script, shell)
            if [sorted(one) for one in pipelines] != _grouped(records, pipelines) or status != expected:
                different.append(f"{shell}: {line!r}: ran {records} ({status}), we {pipelines} ({expected})")
    return different


def _grouped(records: list[Record], like: Pipelines) -> Pipelines:
    """Group the records as the pipelines are; the stages of one pipeline write in any order."""
    rest = iter(records)
    groups = [sorted(itertools.islice(rest, len(one))) for one in like]
    left = list(rest)
    return [*groups, left] if left else groups


def comparable(script: Script) -> bool:
    """A shell has builtins, jobs and paths; only the stand-ins and names that nobody has can be compared."""
    names = {filled(simple.words[0], 0) for _, pipeline in script.items for simple in pipeline}
    return all(name in STATUSES or not (name[:1] == "%" or "/" in name or BUILTIN.issuperset(name)) for name in names)


BUILTIN = frozenset("abcdefghijklmnopqrstuvwxyz.:[")

# -- lines biased to trouble --

NAMES = tuple(STATUSES)
BLANKS = (" ", " ", " ", "\t", "  ", " \\\n", "\\\n ", "\\\n\t\\\n")
OPERATORS = ("&&", "||", ";", "\n", "|", " && ", " || ", "; ", " | ", "\n\n", " &&\n", "|\n", "||\\\n", " ;#c\n",
             "|#c\n")  # fmt: skip
REDIRECTS = (
    "2>&1", ">/dev/null", "2>/dev/null", "</dev/null", ">&2", "1>&2", ">>/dev/null", "> /dev/null", "2> '/dev/null'",
    "2\\\n>&1", ">\\\n/dev/null", ">&\\\n2", "2>&\\\n1", "1>/dev/null", "0</dev/null", "2>& 1", ">\"/dev/null\"",
)  # fmt: skip
PIECES = (
    "'a b'", "''", '""', '"a b"', "'\"'", '"\'"', "\\ ", "\\'", '\\"', "\\\\", "\\$", "\\#", "\\~", "\\*", "\\{", "\\n",
    "$HOME", "${HOME}", '"$HOME"', '"${USER}"', "$USER", "$?", "${?}", '"$?"', "$", "$/", "$.", "$,", "$=", "$%", "$:",
    "$+", "$^", '"$"', '"a$ b"', '"$/"', '"\\$"', '"\\`"', '"\\\\"', '"\\""', '"\\n"', '"\\a"', '"\\\nb"', "'\\\nb'",
    "'\n'", '"\n"', "'$(x)'", "'`x`'", '"#"', "'!'", '"!"', "!", "{", "}", "{}", "{a}", "{{.Names}}", "{a", "b}", ",",
    "..", "~", "a~", ":~", "=~", "~a", "a=", "=", "a=b", "a=''~", "--x=", "+=", "#", "a#", "%", "%1", "^", "@",
    "-", "--", "+", "-n", "0", "1", "7", "2", "22", "]", "é", "Á", "日本", "ü", ".", ":", "if", "do", "in", "}", "\\\n",
    "'*'", "'?'",
    "'['", '"~"', "'{a,b}'", '"{1..2}"', "{'a',b", "a,b", "!!", "\\!", "x",
)  # fmt: skip
TAILS = ("", "", "", "", "\n", " ", ";", " ;", " # c", "#", " #'", "\n#\\\n", "\\\n", ";\n", " \\\n#x", "\n\n")
ALPHABET = "docker grep'\"\\$?HOME{},~#!=:0127<>&|; \t\n/-+%^@.aÁ日"

word = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)
argument = st.one_of(word, word, word, st.sampled_from(REDIRECTS))
command = st.builds(
    lambda before, name, rest: before + name + "".join(blank + one for blank, one in rest),
    st.sampled_from(("", "", "", "", ">/dev/null ", "2>&1 ", "\\\n", "do\\\ncker ", "'gr'ep ", '"\\\nwc" ')),
    st.sampled_from(NAMES),
    st.lists(st.tuples(st.sampled_from((*BLANKS, "")), argument), max_size=4),
)
line = st.builds(
    lambda first, rest, tail: first + "".join(operator + one for operator, one in rest) + tail,
    command,
    st.lists(st.tuples(st.sampled_from(OPERATORS), command), max_size=3),
    st.sampled_from(TAILS),
)
noise = st.text(ALPHABET, max_size=24).map(lambda text: "docker " + text)
spoiled = st.builds(
    lambda text, at, char: text[: at % (len(text) + 1)] + char + text[at % (len(text) + 1) :],
    line,
    st.integers(0, 200),
    st.sampled_from((*"'\"\\$#~{}&|;<> \n=!12", "\\\n", "<<'E'", "\nE\n")),
)


def alike(text: str) -> bool:
    """Accepted, and without &>, which only bash has."""
    return "&>" not in text and isinstance(parse(text), Script)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """The stand-ins, once for the module."""
    return Ground(tmp_path_factory.mktemp("ground"))


@settings(
    max_examples=settings().max_examples * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(st.one_of(line, line, spoiled, noise).filter(alike), min_size=BATCH // 2, max_size=BATCH))
def test_an_accepted_line_means_the_same_in_dash_and_bash(ground: Ground, lines: list[str]) -> None:
    assert differences(ground, lines) == []


body = st.text("Eab $`\\'\"\n#", max_size=20)
documents = st.builds(
    lambda before, opening, blank, words, after, text, last: (
        f"{before}docker build {opening}{blank}{words[0]}{after}\n{text}{words[1]}\n{last}"
    ),
    st.sampled_from(("", "docker 1 || ", "docker 0;", "docker 'a\nb'\n")),
    st.sampled_from(("<<", "0<<", "<<\\\n", "<\\\n<", "\\\n<<", "<< ")),
    st.sampled_from(("", "", " ", "\\\n", "-")),
    st.sampled_from(
        (
            ("'E'", "E"), ('"E"', "E"), ("\\E", "E"), ("E''", "E"), ("'E E'", "E E"), ("'-E'", "-E"), ("'E'", "-E"),
            ("E'\\'", "E\\"), ('"E\\""', 'E"'), ('"E\\x"', "E\\x"), ("'$HOME'", "$HOME"), ("'E'\\\n'F'", "EF"),
            ('"E$"', "E$"), ("E'é'", "Eé"), ("'#'", "#"), ("'E'", "F"),
        )
    ),
    st.sampled_from(
        ("", " -", " | grep x", " 'a\nb' c", " # c", " && docker 0", " 2>&1", ";docker 1", " </dev/null", "||\\\n",
         "|\ngrep")
    ),
    st.one_of(st.just(""), body.map(lambda text: text + "\n")),
    st.sampled_from(("", "docker $?", "docker 7 || grep a")),
)  # fmt: skip


@settings(max_examples=settings().max_examples, deadline=None)
@given(st.lists(documents.filter(alike), max_size=BATCH))
def test_a_here_document_means_the_same_in_dash_and_bash(ground: Ground, lines: list[str]) -> None:
    assert differences(ground, lines) == []


@pytest.mark.parametrize(
    "text",
    [
        "docker ps -a --format '{{.Names}}: {{json .}}'",
        "docker \"a\\\nb\" a\\\nb 'a\\\nb'",
        "docker 1 || docker 0 && grep a || wc $?",
        "docker 1 && grep b; docker $?\nwc '$?' \"$?\"",
        "docker 2>&1 >/dev/null | grep x 2>/dev/null | wc",
        "docker >/dev/null 2>&1; docker 2>&1 >/dev/null; docker >&2 2>/dev/null",
        "docker a#b #c\n#d\\\ndocker x",
        'docker $HOME/x ${HOME}x "$USER"\'$USER\' a$ $/ "$"',
        "nobody; docker $? && nobody || docker $?",
        "docker build - <<'E' 2>&1 | grep x\n$HOME `x` \\\nE\ndocker $?",
        ">/dev/null docker a 2>&1 b",
        "docker é Á 日本 'ä ö'",
        "",
        "# only a comment",
    ],
)
def test_a_typical_line_means_the_same_in_dash_and_bash(ground: Ground, text: str) -> None:
    assert not isinstance(parse(text), Refusal)
    assert differences(ground, [text]) == []


# What stands here was read otherwise by a shell once, or is where readers of shell lines go wrong.
@pytest.mark.parametrize(
    "text",
    [
        "docker <<\\\n-'E'\nx\n-E\nE\n",  # the operator is <<-
        "docker <<\\\n-'E'\n\tx\n\tE\n-E\n",
        "docker 2>&1>/dev/null",  # dash: 1> is the operator, and the target is missing
        "docker >&2</dev/null",
        "docker 2>&1$USER",  # no descriptor
        "docker 2>&$?1",
        "docker |\\\n&>/dev/null grep x",  # the operator is |&
        "docker;\\\n&>/dev/null docker",  # the operator is ;&
        "docker </dev/null <<'E'\nx\nE\n",  # the last one counts
        "docker <<'E' </dev/null\nx\nE\n",
        "docker a=''~ a=\"\"~/x",
        "docker 2\\\n>&1",
        "docker \\\n#a",
        "docker a\\\n#b",
        "docker 'a\nb' <<'E' 'c\nd'\nx\nE\n",
        "docker }; docker { ! in",
        "docker $? | docker $?",
    ],
)
def test_a_line_that_shells_read_in_their_own_way_is_refused_or_means_the_same(ground: Ground, text: str) -> None:
    assert differences(ground, [text]) == []


@pytest.mark.parametrize(
    "text",
    ["docker &>/dev/null", "docker&>/dev/null a | grep b", "docker a &>>/dev/null && wc", "&>/dev/null docker 1 || wc"],
)
def test_both_outputs_to_null_mean_the_same_in_bash(ground: Ground, text: str) -> None:
    assert not isinstance(parse(text), Refusal)
    assert differences(ground, [text], ("bash",)) == []


@pytest.mark.parametrize(
    "text",
    [
        "set -o pipefail",
        "set -o pipefail; docker a",
        "set -o pipefail && docker a || wc",
        "set -o pipefail\ndocker $?",
        "set -o pipefail || docker a",
        "set -o pipefail || docker a && grep b",
        "set -o pipefail || docker a; wc",
        "set -o pipefail <<'E'\nx\nE\ndocker a",
    ],
)
def test_pipefail_in_front_is_followed_by_the_same_commands_as_in_bash(ground: Ground, text: str) -> None:
    assert differences(ground, [text], ("bash",)) == []
