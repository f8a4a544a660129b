"""Bash completion for rshellctl offers what its parser accepts, and nothing else."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from rshell.ctl.main import parser

SCRIPT = Path(__file__).parents[2] / "completions/rshellctl.bash"
ASK = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
registered=$(complete -p rshellctl)
function=${registered#*-F }
"${function%% *}" rshellctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words: str, directory: Path | None = None) -> set[str]:
    """What bash offers for the last of the words after rshellctl."""
    bash = shutil.which("bash")
    assert bash, "bash is needed"
    done = subprocess.run(
        [bash, "--norc", "--noprofile", "-u", "-c", ASK, "bash", SCRIPT, "rshellctl", *words],
        capture_output=True, text=True, check=True, cwd=directory,
    )  # fmt: skip
    assert done.stderr == ""
    return set(done.stdout.split("\n")) - {""}


def options(of: argparse.ArgumentParser) -> set[str]:
    return {spelling for action in of._actions for spelling in action.option_strings}


def verbs() -> dict[str, argparse.ArgumentParser]:
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


def test_the_first_word_is_a_verb_or_an_option_of_the_program() -> None:
    assert complete("") == set(verbs()) | options(parser())
    assert complete("-") == options(parser())


def test_a_verb_is_completed_from_its_first_letters() -> None:
    assert complete("ex") == {"explain", "export"}
    assert complete("l") == {"limits", "launcher", "log"}
    assert complete("frob") == set()


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_a_verb_offers_its_own_options(verb: str) -> None:
    assert complete(verb, "-") == options(verbs()[verb])


def test_a_word_that_is_no_verb_offers_nothing() -> None:
    assert complete("frob", "-") == set()
    assert complete("frob", "") == set()


def test_what_is_exported_is_offered_once() -> None:
    assert complete("export", "") == {"sudoers", "sshd", "nixos"}
    assert complete("export", "s") == {"sudoers", "sshd"}
    assert complete("export", "sshd", "") == set()
    assert "root" in complete("export", "sshd", "--user", "roo")


def test_the_programs_of_launcher_are_offered() -> None:
    assert complete("launcher", "--of", "") == {"login", "gate", "rshellctl"}


def test_files_are_offered_where_a_file_is_expected(tmp_path: Path) -> None:
    for name in ("my policy.yaml", "other"):
        (tmp_path / name).write_text("")
    files = {"my policy.yaml", "other"}
    for words in (
        ("check", ""), ("check", "--compile", ""), ("apply", ""), ("launcher", ""), ("launcher", "--gate", ""),
        ("upgrade", ""), ("try", "--policy", ""), ("explain", "--policy", ""), ("install", "--policy", ""),
        ("install", "--key", ""), ("upgrade", "--wheels", ""), ("export", "nixos", "--output", ""),
    ):  # fmt: skip
        assert complete(*words, directory=tmp_path) == files
    assert complete("check", "my", directory=tmp_path) == {"my policy.yaml"}


def test_no_file_is_offered_for_a_line_a_role_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nothing = ["explain", "explain --role", "try -c", "try", "limits", "log", "log --since", "rollback", "edit"]
    for words in (*(each.split() for each in nothing), ["stop", "--reason"], ["install"], ["uninstall"]):
        assert complete(*words, "", directory=tmp_path) == set()


def test_install_offers_both_boundaries() -> None:
    assert complete("install", "--boundary", "") == {"gate", "direct"}


def test_users_of_this_host_are_offered_where_one_is_expected() -> None:
    for words in (("explain", "--user"), ("install", "--user"), ("log", "--user"), ("stop",), ("resume",)):
        assert "root" in complete(*words, "roo")


def test_verdicts_are_offered_to_log() -> None:
    assert complete("log", "--verdict", "") == {"allow", "refuse"}
