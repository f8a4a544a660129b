"""The manual pages are well-formed, and name everything there is and nothing else."""

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from rshell import data, say
from rshell.core import builtins, containers, explain, rules, settle, values
from rshell.core.containers import OWNER_LABEL, PROJECT_LABEL
from rshell.core.decide import judge
from rshell.core.model import Exec, Permit
from rshell.ctl.doctor import finding
from rshell.ctl.doctor.report import as_json
from rshell.ctl.doctor.scene import survey
from rshell.ctl.main import main, parser
from rshell.host import look, programs
from rshell.policy.check import compile_checked, context
from rshell.policy.grammars import load as load_grammars
from rshell.policy.load import BadPolicy, load
from rshell.policy.store import Compiled
from tests.ctl.planted import Planted

ROOT = Path(__file__).parents[2]
PAGES = ("rshell.1", "rshell-policy.5", "rshell-gate.8", "rshellctl.8")


def mandoc(*words: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("mandoc")
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs mandoc")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def section(page: str, title: str, level: str = "Sh") -> str:
    """The source of one section, or of one subsection (level Ss)."""
    ends = "Sh" if level == "Sh" else "S[hs]"
    found = re.search(rf"^\.{level} {re.escape(title)}$(.*?)(?=^\.{ends} |\Z)", page, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def source(name: str) -> str:
    return (ROOT / "man" / name).read_text("ascii")


def items(text: str, macro: str) -> set[str]:
    """The tags of a list: the first argument of a macro behind `.It`."""
    return {tag.removeprefix("\\&") for tag in re.findall(rf"^\.It {macro} (\S+)", text, re.MULTILINE)}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_formed(name: str) -> None:
    done = mandoc("-T", "lint", "-W", "warning", ROOT / "man" / name)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_every_page_is_tested() -> None:
    assert sorted(path.name for path in (ROOT / "man").iterdir()) == sorted(PAGES)


# -- rshell(1) -------------------------------------------------------------------------


def test_every_builtin_has_its_place() -> None:
    assert items(section(source("rshell.1"), "BUILTINS"), "Ic") == {*builtins.TABLE, *builtins.PREFIXES}


def said_when_nothing_can_be_decided() -> set[str]:
    """The codes that the source gives to unavailable, unusable and Unusable."""
    found = set()
    for path in (ROOT / "rshell").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("unavailable", "unusable", "Unusable"):
                    found.add(str(node.args[0].value))
    return found


def codes(kind: str) -> set[str]:
    """The codes of a class; those of a command begin with COMMAND."""
    whole = {code for code, said in say.LINE.items() if said[0] == kind}
    ends = {say.SUFFIX.get(code, code) for code, said in say.COMMAND.items() if said[0] == kind}
    if kind == "unavailable":
        whole |= said_when_nothing_can_be_decided() | {"account"}  # the code of account.Unknown, login.py
    if kind == "unsupported":
        whole |= {"usage"}  # of argv, login.py
    return whole | {"COMMAND" if end == "command" else f"COMMAND.{end}" for end in ends}


@pytest.mark.parametrize("kind", sorted(say.STATUS))
def test_every_code_of_a_class_is_explained(kind: str) -> None:
    text = section(source("rshell.1"), kind, "Ss")
    of_commands = set(re.findall(r"^\.It Ar command Ns Li (\.\S+)$", text, re.MULTILINE))
    alone = {"COMMAND"} if re.search(r"^\.It Ar command$", text, re.MULTILINE) else set()
    assert items(text, "Li") | alone | {f"COMMAND{end}" for end in of_commands} == codes(kind)


@pytest.mark.parametrize(("kind", "status"), sorted(say.STATUS.items()))
def test_every_class_tells_its_status(kind: str, status: int) -> None:
    assert f"\nStatus {status}.\n" in section(source("rshell.1"), kind, "Ss")


def test_every_status_is_listed() -> None:
    ours = {str(status) for status in (*say.STATUS.values(), say.TIMED_OUT)}
    assert set(re.findall(r"^\.It (\d+)$", section(source("rshell.1"), "EXIT STATUS"), re.MULTILINE)) == ours


def test_what_every_container_gets_is_described() -> None:
    policy = Compiled(compile_checked((ROOT / "policy.yaml").read_bytes(), "policy.yaml")).policy("ai-worker", "")
    decided = judge(policy, "docker run alpine", context())
    assert isinstance(decided, Permit)
    (stage,) = explain.stages(decided)
    assert isinstance(stage, Exec)
    text = section(source("rshell.1"), "Containers", "Ss")
    given = [word.partition("=")[0] for word in stage.argv if word.startswith("--") and word != "--"]
    assert given == ["--memory", "--pids-limit", "--security-opt", "--label", "--label"]
    assert f"\n.Ql {PROJECT_LABEL} ,\n" in text
    for word in ("Fl -memory", "Fl -pids-limit", "Fl -security-opt Ns =no-new-privileges", f"Ql {OWNER_LABEL}"):
        assert re.search(rf"^\.{re.escape(word)}( ,)?$", text, re.MULTILINE)


def test_what_compose_is_always_given_is_described() -> None:
    always = load_grammars(data.completions())["docker compose"].program.always
    text = section(source("rshell.1"), "Containers", "Ss")
    named = re.findall(r"^\.Fl -(\S+) Ns (=/\S+)", text, re.MULTILINE)
    assert tuple(f"--{name}{value}" for name, value in named) == always


def test_the_directories_of_plugins_are_described() -> None:
    text = section(source("rshell.1"), "Containers", "Ss")
    named = re.findall(r"/(?:usr|run)/[\w/-]+", text)
    assert [f"{directory}/cli-plugins" for directory in named] == [*programs.PLUGIN_DIRECTORIES]


# -- rshellctl(8) ----------------------------------------------------------------------


def verbs() -> dict[str, argparse.ArgumentParser]:
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


def options(of: argparse.ArgumentParser) -> set[str]:
    return {spelling for action in of._actions for spelling in action.option_strings}


def flags(text: str) -> set[str]:
    """The options that `.Fl` names: `.Fl h , -help` is -h and --help."""
    named = re.findall(r"\bFl (\S+(?: , \S+)*)", text)
    return {"-" + word for words in named for word in words.split(" , ")}


def test_every_verb_has_its_place() -> None:
    assert items(section(source("rshellctl.8"), "DESCRIPTION"), "Cm") == set(verbs())


def test_every_option_has_its_place() -> None:
    listed = re.findall(r"^\.It (Fl .*)$", section(source("rshellctl.8"), "DESCRIPTION"), re.MULTILINE)
    every = options(parser()).union(*(options(verb) for verb in verbs().values()))
    assert flags("\n".join(listed)) == every


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_a_verb_is_shown_with_its_own_options(verb: str) -> None:
    own = options(verbs()[verb]) - {"-h", "--help"}
    for title in ("SYNOPSIS", "DESCRIPTION"):
        text = section(source("rshellctl.8"), title)
        start = rf"^\.Nm\n\.Cm {verb}\n(.*?)(?=^\.Nm|\Z)" if title == "SYNOPSIS" else rf"^\.It Cm {verb}\b(.*?)$"
        found = re.search(start, text, re.DOTALL | re.MULTILINE)
        assert found, verb
        assert flags(found[1]) == own


def test_the_example_says_what_rshellctl_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = section(source("rshellctl.8"), "EXAMPLES")
    said = re.search(r"check policy\.yaml\n(.*?)\n\$ .*?\n(.*?)\n\$ ", text, re.DOTALL)
    assert said
    assert main(["check", str(ROOT / "policy.yaml")]) == 0
    assert capsys.readouterr().out == f"{ROOT}/{said[1]}\n"
    assert main(["explain", "--policy", str(ROOT / "policy.yaml"), "--user", "ai-worker", "docker ps -aq"]) == 0
    assert capsys.readouterr().out == f"{said[2]}\n"


def keys(value: object) -> Iterator[str]:
    """Every key of a JSON value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from keys(inner)
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_every_key_of_explain_is_described() -> None:
    policy = Compiled(compile_checked((ROOT / "policy.yaml").read_bytes(), "policy.yaml")).policy("ai-worker", "")
    shapes = []
    for line in ("docker inspect ollama; echo", "docker run --privileged alpine"):
        shapes.append(explain.as_json(policy, line, judge(policy, line, context())))
    text = section(source("rshellctl.8"), "The JSON of explain", "Ss")
    assert set(re.findall(r"^\.(?:It )?Va (\w+)", text, re.MULTILINE)) == {key for one in shapes for key in keys(one)}


def test_every_check_of_explain_is_described() -> None:
    text = section(source("rshellctl.8"), "The JSON of explain", "Ss")
    (found,) = re.findall(r"^\.It Va checks$(.*?)^\.El", text, re.DOTALL | re.MULTILINE)
    named = " ".join(re.findall(r"^\.Ql (.*)$", found, re.MULTILINE))
    assert {name for name in named.split() if name not in ",;"} == set(look._LOOKERS) == set(settle._SETTLERS)


def test_every_finding_of_doctor_is_listed_with_how_bad_it_is() -> None:
    text = section(source("rshellctl.8"), "What doctor finds", "Ss")
    assert dict(re.findall(r"^\.It Li (\S+) Pq (\w+)$", text, re.MULTILINE)) == {
        code: meaning.grade for code, meaning in finding.CODES.items()
    }


def test_every_key_of_doctor_is_described() -> None:
    site = survey(Planted(), None)
    shown = json.loads(as_json(site, [finding.found("stopped", "", [])], False, False))
    text = section(source("rshellctl.8"), "The JSON of doctor", "Ss")
    assert set(re.findall(r"^\.(?:It )?Va (\w+)", text, re.MULTILINE)) == set(keys(shown))


# -- rshell-policy(5) ------------------------------------------------------------------


# subsection -> a policy with the unknown key `?` in the mapping that it describes
PLACES = {
    "The file": "?: x",
    "A role": "version: 1\ngrants: {}\nroles: {r: {grants: [], ?: x}}",
    "A grant": "version: 1\nroles: {}\ngrants: {g: {commands: {}, ?: x}}",
    "A command of a grant": "version: 1\nroles: {}\ngrants: {g: {commands: {docker ps: {?: x}}}}",
    "on_terminal": "version: 1\nroles: {}\ngrants: {g: {commands: {docker ps: {on_terminal: {?: x}}}}}",
    "containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {?: x}",
    "bind_mounts of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {bind_mounts: [{?: x}]}",
    "tmpfs of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {tmpfs: {?: x}}",
    "publish of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {publish: {?: x}}",
    "gpus of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {gpus: {?: x}}",
    "limits of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {limits: {?: 1}}",
    "defaults of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {defaults: {?: 1}}",
    "build of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {build: {?: x}}",
    "compose of containers": "version: 1\nroles: {}\ngrants: {}\ncontainers: {compose: {?: x}}",
    "A project of the operator's": (
        "version: 1\nroles: {}\ngrants: {}\ncontainers: {compose: {projects: {x: {directory: /x, verbs: [], ?: x}}}}"
    ),
    "objects": "version: 1\nroles: {}\ngrants: {}\nobjects: {?: x}",
    "listed and protected of objects": "version: 1\nroles: {}\ngrants: {}\nobjects: {protected: {?: x}}",
    "advice": "version: 1\nroles: {}\ngrants: {}\nadvice: {x: {why: x, ?: x}}",
    "limits": "version: 1\nroles: {}\ngrants: {}\nlimits: {?: 1}",
    "audit": "version: 1\nroles: {}\ngrants: {}\naudit: {?: x}",
    "expect": "version: 1\ngrants: {}\nroles: {r: {grants: []}}\nexpect: {r: {?: []}}",
}


def accepted_keys(policy: str) -> set[str]:
    """The keys that the loader says it expected where it found `?`."""
    with pytest.raises(BadPolicy) as caught:
        load(policy.replace("?", '"?"').encode(), "p", load_grammars(data.completions()))
    expected = set(re.findall(r"unknown key `\?`, expected (.*)$", str(caught.value), re.MULTILINE))
    assert len(expected) == 1
    return set(expected.pop().split())


@pytest.mark.parametrize("title", sorted(PLACES))
def test_every_key_of_a_policy_is_described(title: str) -> None:
    assert items(section(source("rshell-policy.5"), title, "Ss"), "Ic") == accepted_keys(PLACES[title])


def test_what_containers_never_allows_is_described() -> None:
    text = section(source("rshell-policy.5"), "containers", "Ss")
    for key, never in (("environment", containers.NEVER_SET), ("labels", containers.NEVER_LABEL)):
        found = re.search(rf"^\.It Ic {key}$(.*?)^\.It ", text, re.DOTALL | re.MULTILINE)
        assert found
        forbidden = found[1].partition("\nNever allowed are\n")[2]
        assert tuple(re.findall(r"^\.Ql (\S+)", forbidden, re.MULTILINE)) == never


def test_by_containers_is_described_for_the_commands_that_take_it() -> None:
    text = section(source("rshell-policy.5"), "A command of a grant", "Ss")
    found = re.search(r"^\.Ql by-containers ,$.*?^It may stand for$(.*?)^Of these", text, re.DOTALL | re.MULTILINE)
    assert found
    assert tuple(re.findall(r"^\.Ql (docker [a-z ]*[a-z])", found[1], re.MULTILINE)) == rules.JUDGED


def test_every_type_is_described() -> None:
    judged, unjudged = section(source("rshell-policy.5"), "TYPES").split("\nValues of these types cannot be judged")
    assert items(judged, "Cm") == {name for name in values.NAMED if not values.is_unjudged((name,))}
    assert items(unjudged, "Cm") == {name for name in values.NAMED if values.is_unjudged((name,))}


def test_the_example_policy_is_right_as_it_is_printed() -> None:
    done = mandoc("-T", "ascii", ROOT / "man/rshell-policy.5")
    printed = re.sub(".\x08", "", done.stdout)
    found = re.search(r"^ *version: 1\n.*?^ *- iptables -F\n", printed, re.DOTALL | re.MULTILINE)
    assert found
    compiled = Compiled(compile_checked(dedent(found[0]).encode(), "example.yaml"))
    assert set(compiled.header["roles"]) == {"watcher", "operator"}
    watcher = compiled.policy("watcher", "example.yaml")
    assert isinstance(judge(watcher, "docker logs --tail 50 web", context()), Permit)
    assert not isinstance(judge(watcher, "docker logs web", context()), Permit)
