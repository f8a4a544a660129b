"""The words of a command line are read as pflag and getopt read them, and written in one way."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.core import grammar
from rshell.core.grammar import Misread
from rshell.core.model import Argument, Grammar, Invocation, Option, Word
from tests.support import trees

Read = tuple[list[tuple[str, str | None]], list[str]]

ALL = {command.name: command for tree in trees().values() for command in tree.commands.values()}


def worded(*texts: str) -> list[Word]:
    """Words with the spans that they have in a line with single blanks."""
    made, here = [], 0
    for text in texts:
        made.append(Word(text, (here, here + len(text))))
        here += len(text) + 1
    return made


def plain(read: Invocation) -> Read:
    """What an invocation says, without the spans."""
    return [(one.name, one.value) for one in read.arguments], [word.text for word in read.operands]


def reading(command: str, *texts: str) -> Read:
    return plain(grammar.parse(ALL[command], worded(*texts)))


def fault(command: str, *texts: str) -> tuple[str, str, str]:
    """The fault, the option and the value of words that can't be read."""
    with pytest.raises(Misread) as caught:
        grammar.parse(ALL[command], worded(*texts))
    return caught.value.fault, caught.value.option, caught.value.value


# -- pflag ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # the first letter that takes a value takes the rest of its word, one `=` in front taken off
        ("-itd x", ([("interactive", None), ("tty", None), ("detach", None)], ["x"])),
        ("-itdv /:/h x", ([("interactive", None), ("tty", None), ("detach", None), ("volume", "/:/h")], ["x"])),
        ("-dv/:/h x", ([("detach", None), ("volume", "/:/h")], ["x"])),
        ("-dv=/:/h x", ([("detach", None), ("volume", "/:/h")], ["x"])),
        ("-dp80:80 x", ([("detach", None), ("publish", "80:80")], ["x"])),
        ("-dp=80:80 x", ([("detach", None), ("publish", "80:80")], ["x"])),
        ("-ite A=b x", ([("interactive", None), ("tty", None), ("env", "A=b")], ["x"])),
        ("-volume /:/h", ([("volume", "olume")], ["/:/h"])),
        ("-privileged x", ([("publish", "rivileged")], ["x"])),
        ("-v==x y", ([("volume", "=x")], ["y"])),
        ("-v= y", ([("volume", "=")], ["y"])),  # a lone `=` is the value
        # or else the next word, whatever it looks like
        ("-e -- -v /:/h x", ([("env", "--"), ("volume", "/:/h")], ["x"])),
        ("--name -d -v /:/h x", ([("name", "-d"), ("volume", "/:/h")], ["x"])),
        ("-h --privileged x", ([("hostname", "--privileged")], ["x"])),
        ("--env= x", ([("env", "")], ["x"])),
        ("--env==b x", ([("env", "=b")], ["x"])),
        # a flag never takes the next word
        ("--privileged true x", ([("privileged", None)], ["true", "x"])),
        # everything behind the first operand is the container's
        ("-d x -v /:/h", ([("detach", None)], ["x", "-v", "/:/h"])),
        ("-d -- x -v /:/h", ([("detach", None)], ["x", "-v", "/:/h"])),
        ("x -- y", ([], ["x", "--", "y"])),
        ("- -d", ([], ["-", "-d"])),
        # two names of one list
        ("--net a --network b x", ([("network", "a"), ("network", "b")], ["x"])),
        ("-v a -v b x", ([("volume", "a"), ("volume", "b")], ["x"])),
    ],
)
def test_docker_run_is_read_as_docker_reads_it(words: str, expected: Read) -> None:
    assert reading("docker run", *words.split()) == expected


@pytest.mark.parametrize("spelling", ["1", "t", "T", "TRUE", "true", "True"])
def test_a_true_flag_is_a_bare_flag(spelling: str) -> None:
    assert reading("docker run", f"--privileged={spelling}", "x") == ([("privileged", None)], ["x"])
    assert reading("docker run", f"-d={spelling}", "x") == ([("detach", None)], ["x"])


@pytest.mark.parametrize("spelling", ["0", "f", "F", "FALSE", "false", "False"])
def test_a_false_flag_stays_false(spelling: str) -> None:
    assert reading("docker run", f"--privileged={spelling}", "x") == ([("privileged", "false")], ["x"])
    assert reading("docker run", f"-it={spelling}", "x") == ([("interactive", None), ("tty", "false")], ["x"])


@pytest.mark.parametrize("spelling", ["", "yes", "no", "tRUE", "2", "on", " true"])
def test_a_flag_has_no_other_value(spelling: str) -> None:
    assert fault("docker run", f"--privileged={spelling}", "x") == ("argument", "privileged", spelling)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("web -a", ([("attach", None)], ["web"])),
        ("web -- -a", ([], ["web", "-a"])),
        ("-a web db", ([("attach", None)], ["web", "db"])),
    ],
)
def test_options_may_follow_the_operands_of_docker_start(words: str, expected: Read) -> None:
    assert reading("docker start", *words.split()) == expected


@pytest.mark.parametrize(
    ("command", "words", "expected"),
    [
        ("docker ps", "--al", ("option", "--al", "")),  # no abbreviations
        ("docker run", "--volum /:/h x", ("option", "--volum", "")),
        ("docker ps", "-D", ("option", "-D", "")),  # a root option behind the verb
        ("docker ps", "--host x", ("option", "--host", "")),
        ("docker ps", "-aq=", ("option", "-=", "")),
        ("docker ps", "-aX", ("option", "-X", "")),
        ("docker ps", "---all", ("syntax", "", "")),
        ("docker ps", "--=all", ("syntax", "", "")),
        ("docker ps", "-h", ("help", "", "")),
        ("docker ps", "-ah", ("help", "", "")),
        ("docker ps", "--help", ("help", "", "")),
        ("docker ps", "--help=false", ("help", "", "")),
        ("docker ps", "--last", ("missing", "last", "")),
        ("docker ps", "-an", ("missing", "last", "")),
        # docker takes the last one; nobody means that
        ("docker run", "--name a --name b x", ("repeated", "name", "")),
        ("docker run", "--name a --name a x", ("repeated", "name", "")),
        ("docker run", "--privileged=false --privileged x", ("repeated", "privileged", "")),
        ("docker run", "-d -d=false x", ("repeated", "detach", "")),
    ],
)
def test_what_docker_refuses_is_no_command_line(command: str, words: str, expected: tuple[str, str, str]) -> None:
    assert fault(command, *words.split()) == expected


def test_the_same_flag_twice_is_one_flag() -> None:
    assert reading("docker ps", "-aa", "--all", "--all=true") == ([("all", None)], [])


def test_a_fault_knows_its_place() -> None:
    with pytest.raises(Misread) as caught:
        grammar.parse(ALL["docker ps"], worded("-a", "--wrong=1"))
    assert caught.value.span == (3, 10)


# -- getopt --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words", "expected"),
    [
        ("grep", "x -i", ([("ignore-case", None)], ["x"])),  # permutation
        ("grep", "-i -- -v", ([("ignore-case", None)], ["-v"])),
        ("grep", "x -- -i", ([], ["x", "-i"])),
        ("grep", "-iEx x", ([("ignore-case", None), ("extended-regexp", None), ("line-regexp", None)], ["x"])),
        ("grep", "-A3 x", ([("after-context", "3")], ["x"])),
        ("grep", "-A 3 x", ([("after-context", "3")], ["x"])),
        ("grep", "-iA3 x", ([("ignore-case", None), ("after-context", "3")], ["x"])),
        ("grep", "-A=3 x", ([("after-context", "=3")], ["x"])),  # getopt keeps the `=`
        ("grep", "-e -- x", ([("regexp", "--")], ["x"])),
        ("grep", "-ea -e b", ([("regexp", "a"), ("regexp", "b")], [])),
        ("grep", "--regexp x", ([("regexp", "x")], [])),
        ("grep", "--regexp= x", ([("regexp", "")], ["x"])),
        ("grep", "-5 x", ([("context", "5")], ["x"])),
        ("grep", "--color x", ([("color", None)], ["x"])),  # an optional value is glued on
        ("grep", "--color=never x", ([("color", "never")], ["x"])),
        ("grep", "--colour=never x", ([("color", "never")], ["x"])),
        ("head", "-20", ([("lines", "20")], [])),
        ("head", "-n -5", ([("lines", "-5")], [])),
        ("tail", "-20", ([("lines", "20")], [])),
        ("tail", "+3", ([("lines", "+3")], [])),
        ("tail", "-n +3", ([("lines", "+3")], [])),
        ("tail", "-n3 +3", ([("lines", "3")], ["+3"])),  # only a first and only word is obsolete
        ("tr", "a -d", ([], ["a", "-d"])),  # POSIX order
        ("tr", "-d a", ([("delete", None)], ["a"])),
        # an optional value that may be the next word
        ("iptables", "-L INPUT", ([("list", "INPUT")], [])),
        ("iptables", "-LINPUT", ([("list", "INPUT")], [])),
        ("iptables", "--list=INPUT", ([("list", "INPUT")], [])),
        ("iptables", "-L -n", ([("list", None), ("numeric", None)], [])),
        ("iptables", "-nvL", ([("numeric", None), ("verbose", None), ("list", None)], [])),
        ("iptables", "-nvL INPUT", ([("numeric", None), ("verbose", None), ("list", "INPUT")], [])),
        ("iptables", "-Lnv", ([("list", "nv")], [])),  # iptables looks for a chain `nv` too
        ("iptables", "-L ! -n", ([("list", None), ("numeric", None)], ["!"])),
        ("journalctl", "-n -u ssh", ([("lines", None), ("unit", "ssh")], [])),
        ("journalctl", "-n5 -ussh", ([("lines", "5"), ("unit", "ssh")], [])),
    ],
)
def test_the_other_tools_are_read_as_getopt_reads_them(command: str, words: str, expected: Read) -> None:
    assert reading(command, *words.split()) == expected


@pytest.mark.parametrize(
    ("command", "words", "expected"),
    [
        ("grep", "--ignore x", ("option", "--ignore", "")),  # getopt would take it for --ignore-case
        ("grep", "--ignore-case=1 x", ("argument", "ignore-case", "1")),
        ("grep", "-i5 x", ("option", "-5", "")),
        ("grep", "x -5", ("option", "-5", "")),
        ("head", "-n", ("missing", "lines", "")),
        ("head", "-5 -n 3", ("repeated", "lines", "")),
        ("head", "-5c", ("option", "-5", "")),
        ("iptables", "-L INPUT -L", ("repeated", "list", "")),
        ("sshd", "--test-config", ("option", "--test-config", "")),  # that name is ours alone
        ("ss", "--help=x", ("argument", "help", "x")),
    ],
)
def test_what_getopt_refuses_is_no_command_line(command: str, words: str, expected: tuple[str, str, str]) -> None:
    assert fault(command, *words.split()) == expected


def test_a_letter_with_an_optional_value_takes_none_from_its_cluster() -> None:
    """In `sort -cu` and `tail -fn5` the short option has no value, whatever the long one takes."""
    assert reading("sort", "-cu") == ([("check", None), ("unique", None)], [])


# -- writing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words", "expected"),
    [
        ("docker ps", "-an5 -f a=b", ["container", "ls", "--all", "--last=5", "--filter=a=b"]),
        ("docker run", "-dv/:/h x -v", ["container", "run", "--detach", "--volume=/:/h", "--", "x", "-v"]),
        ("docker stop", "-t5 x", ["container", "stop", "-t=5", "--", "x"]),  # what every version takes
        ("docker stop", "--time=5 x", ["container", "stop", "-t=5", "--", "x"]),
        ("docker run", "-d=false x", ["container", "run", "--detach=false", "--", "x"]),
        ("sshd", "-T -f x", ["-T", "-fx"]),
        ("iptables", "-nL INPUT", ["--numeric", "--list=INPUT"]),
        ("grep", "-i -- -v", ["--ignore-case", "--", "-v"]),
        ("tail", "+3", ["--lines=+3"]),
        ("docker ps", "--", ["container", "ls"]),
    ],
)
def test_there_is_one_way_to_write_it(command: str, words: str, expected: list[str]) -> None:
    shape = ALL[command]
    read = grammar.parse(shape, worded(*words.split()))
    assert list(grammar.write(shape, ("/usr/bin/x",), read)) == ["/usr/bin/x", *expected]


def test_a_docker_command_is_written_by_a_name_that_it_has() -> None:
    docker = trees()["docker"]
    wrong = {
        name: docker.program.names.get(" ".join(command.emit))
        for name, command in docker.commands.items()
        if docker.program.names.get(" ".join(command.emit)) != name
    }
    assert wrong == {}


TRICKY = st.sampled_from(
    [
        "",
        "-",
        "--",
        "=",
        "=x",
        "-x",
        "--all",
        "true",
        "false",
        "a=b",
        "+3",
        "-5",
        "!",
        "x y",
        "'",
        '"',
        "\\",
        "{{.N}}",
        "é",
    ]
)
TEXT = st.one_of(TRICKY, st.text(string.ascii_letters + string.digits + "-=+!., /", max_size=8))


@st.composite
def invocations(draw: st.DrawFn) -> tuple[Grammar, list[tuple[str, str | None]], list[str]]:
    """A command of the real completions with random options and operands, of no type."""
    shape = ALL[draw(st.sampled_from(sorted(ALL)))]
    names = draw(st.lists(st.sampled_from(sorted(shape.options)), max_size=5)) if shape.options else []
    arguments: list[tuple[str, str | None]] = []
    for name in names:
        option = shape.options[name]
        if not option.many and name in [other for other, _ in arguments]:
            continue
        arguments.append((name, draw(values_of(shape, option))))
    operands = draw(st.lists(TEXT, max_size=3))
    if not shape.dashes:  # then nothing may look like an option; those commands have no operands, or are never granted
        operands = ["x" + operand for operand in operands]
    return shape, arguments, operands


def values_of(shape: Grammar, option: Option) -> st.SearchStrategy[str | None]:
    if option.kind == "flag":
        return st.sampled_from([None, "false"]) if shape.parser == "pflag" else st.none()
    text = TEXT.filter(bool) if option.emit or not option.long else TEXT  # `-x` and nothing is no value
    return text if option.kind == "value" else st.one_of(st.none(), text)


@given(invocations())
def test_what_is_written_is_read_as_the_same(made: tuple[Grammar, list[tuple[str, str | None]], list[str]]) -> None:
    shape, arguments, operands = made
    given_ = Invocation(
        tuple(Argument(name, value, (0, 0)) for name, value in arguments),
        tuple(Word(text, (0, 0)) for text in operands),
    )
    argv = grammar.write(shape, (), given_)
    assert argv[: len(shape.emit)] == shape.emit
    assert plain(grammar.parse(shape, worded(*argv[len(shape.emit) :]))) == (arguments, operands)


@st.composite
def spelled(draw: st.DrawFn) -> tuple[Grammar, list[str], Read]:
    """A command with options in random spellings, and what they say."""
    shape, arguments, _ = draw(invocations())
    words: list[str] = []
    cluster = ""
    for name, value in arguments:
        option = shape.options[name]
        own = [spelling for spelling, target in sorted(shape.spellings.items()) if target == name]
        spelling = draw(st.sampled_from(own))
        short = not spelling.startswith("--")
        if value is None:
            if short and option.kind == "flag" and draw(st.booleans()):
                cluster += spelling[1]
                continue
            words.append(spelling)
        elif option.kind == "flag":
            words.append(f"{spelling}=false")
        elif not short:
            glued = option.kind != "value" or draw(st.booleans())
            words += [f"{spelling}={value}"] if glued else [spelling, value]
        elif option.kind == "value" and (not value or value[0] == "=" or draw(st.booleans())):
            words += [spelling, value]
        elif value and value[0] != "=" and option.kind == "value":  # an optional one is glued to the long spelling
            words.append(spelling + draw(st.sampled_from(["", "="] if shape.parser == "pflag" else [""])) + value)
        else:
            words.append(f"--{name}={value}")
    read = [(name, value) for name, value in arguments]
    if cluster:
        words.append("-" + cluster)
    return shape, words, (read, [])


@given(spelled())
def test_every_spelling_of_an_option_says_the_same(made: tuple[Grammar, list[str], Read]) -> None:
    shape, words, (arguments, operands) = made
    read, left = plain(grammar.parse(shape, worded(*words)))
    assert (sorted(read, key=repr), left) == (sorted(arguments, key=repr), operands)


@given(st.sampled_from(sorted(ALL)), st.lists(st.one_of(TEXT, st.text(max_size=6)), max_size=6))
def test_any_words_are_read_or_misread(command: str, texts: list[str]) -> None:
    shape = ALL[command]
    try:
        read = grammar.parse(shape, worded(*texts))
    except Misread:
        return
    assert all(one.name in shape.options for one in read.arguments)
    assert all(word.text in texts for word in read.operands)
