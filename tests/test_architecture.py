"""What holds for all of the code: who starts processes, what is documented, how long things may be, who speaks."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "rshell"
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
TREES = {name: ast.parse(path.read_text(), name) for name, path in zip(NAMES, FILES, strict=True)}

STARTER = "host/process.py"
OPERATOR_S_TOOLS = "rshell.ctl.system"  # a module, not os.system
STARTS = frozenset(
    "fork forkpty vfork fork_exec system popen popen2 Popen startfile posix_spawn posix_spawnp getoutput"
    " getstatusoutput check_call check_output create_subprocess_exec create_subprocess_shell subprocess_exec"
    " subprocess_shell run_system_command execl execle execlp execlpe execv execve execvp execvpe spawnl spawnle"
    " spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe pidfd_spawn ctypes _posixsubprocess".split()
)
DYNAMIC = frozenset("eval exec compile __import__ import_module run_path run_module runpy importlib".split())
MAX_FUNCTION, MAX_MODULE, MAX_LINE = 60, 450, 120
SPEAKERS = ("say.py", "ctl/", "modes/")
# The exceptions: a child that can't become its program, and an argv that is no line.
USAGE = "rshell: unsupported: usage: rshell [-c LINE] [usage]\n  nothing was run; a login shell takes nothing else\n"
SPEAKS_FOR_ITSELF = {"host/process.py": {"rshell: cannot start "}, "login.py": {USAGE}}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def used(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a module uses or imports, an attribute's too, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, alias.name.rpartition(".")[2]
            if isinstance(node, ast.ImportFrom) and node.module not in (None, OPERATOR_S_TOOLS):
                yield node.lineno, node.module.rpartition(".")[2]


def public(tree: ast.Module) -> list[ast.ClassDef | Function]:
    """The public classes and functions of a module."""
    return [node for node in tree.body if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_")]


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every piece of text in a module that is no docstring."""
    documentation = {
        id(node.body[0].value) for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | Function) and node.body and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.lineno, node.value


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """Every comment of a file, without its #; one that goes on in the next lines is one."""
    last, text = 0, ""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            if text and token.start[0] != last + 1:
                yield last, text
                text = ""
            text = f"{text} {token.string.lstrip('# ')}".strip()
            last = token.start[0]
    if text:
        yield last, text


def test_the_code_is_found() -> None:
    assert {"login.py", "say.py", "core/decide.py", "host/process.py", "modes/repl/prompt.py"} <= set(NAMES)


def test_processes_are_started_in_one_module_only() -> None:
    """Everybody else says process.start or process.fork, with what a Permit holds."""
    found = set()
    for name, tree in TREES.items():
        ours = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_named(node.value, "process")]
        asked = [(node.lineno, node.attr) for node in ours]
        found |= {(name, word) for line, word in used(tree) if word in STARTS and (line, word) not in asked}
    assert found == {(STARTER, "fork"), (STARTER, "execve")}


def _is_named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def test_no_text_is_run_as_code() -> None:
    plain = ((name, node) for name, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.Name))
    assert [(name, node.lineno, node.id) for name, node in plain if node.id in DYNAMIC] == []


def test_nothing_is_unpickled_or_unmarshalled_but_a_trusted_compiled_policy() -> None:
    loaders = {"pickle", "marshal", "shelve", "dill", "unsafe_load", "full_load", "UnsafeLoader", "FullLoader"}
    found = {(name, word) for name, tree in TREES.items() for _, word in used(tree) if word in loaders}
    assert found == {("policy/compile.py", "marshal"), ("policy/store.py", "marshal")}


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(TREES[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_public_class_and_function_says_what_it_does(name: str) -> None:
    assert [one.name for one in public(TREES[name]) if not ast.get_docstring(one)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_begins_with_a_sentence_on_the_first_line(name: str) -> None:
    for one in (TREES[name], *public(TREES[name])):
        first = (ast.get_docstring(one) or "X.").partition("\n")[0]
        assert first == first.strip()
        assert len(first) > 1


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_too_long_to_be_read_at_once(name: str) -> None:
    functions = [node for node in ast.walk(TREES[name]) if isinstance(node, Function)]
    lengths = {one.name: (one.end_lineno or 0) - one.lineno + 1 for one in functions}
    assert {function: length for function, length in lengths.items() if length > MAX_FUNCTION} == {}
    assert len((PACKAGE / name).read_text().splitlines()) <= MAX_MODULE


@pytest.mark.parametrize("name", NAMES)
def test_nothing_prints(name: str) -> None:
    """Output goes through write(): to a descriptor that is named, complete, and to nobody who is gone."""
    printing = [line for line, word in used(TREES[name]) if word == "print"]
    assert printing == [] or name.startswith("ctl/")


@pytest.mark.parametrize("name", NAMES)
def test_a_security_comment_names_what_it_is_about(name: str) -> None:
    """`# SECURITY: ` and a sentence of some words: what is kept from happening."""
    for line, text in comments(PACKAGE / name):
        if "SECURITY" in text:
            told = text.partition("SECURITY: ")[2]
            assert len(told.split()) >= 4, f"{name}:{line}: {text}"


def test_what_users_read_stands_where_sentences_stand() -> None:
    """Only say.py, the front ends and ctl speak as `rshell: ...`."""
    spoken = {
        name: {text for _, text in texts(tree) if text.startswith("rshell:")}
        for name, tree in TREES.items() if not name.startswith(SPEAKERS)
    }  # fmt: skip
    assert {name: found for name, found in spoken.items() if found} == SPEAKS_FOR_ITSELF


@pytest.mark.parametrize("name", NAMES)
def test_the_code_is_plain_ascii(name: str) -> None:
    """Nothing in it reads otherwise than it runs, and whatever it says is ASCII."""
    assert (PACKAGE / name).read_text().isascii()


def test_no_environment_variable_is_read_but_in_the_places_for_it() -> None:
    words = ("environ", "environb", "getenv", "getenvb")
    found = {name for name, tree in TREES.items() for _, word in used(tree) if word in words}
    assert {name for name in found if not name.startswith("ctl/")} == {"host/account.py"}


def test_core_takes_no_part_in_the_world() -> None:
    worldly = {"open", "input", "print", "os", "sys", "time", "socket", "random", "datetime", "select", "lean"}
    assert [
        (name, line, word) for name, tree in TREES.items() if name.startswith("core/")
        for line, word in used(tree) if word in worldly
    ] == []  # fmt: skip
