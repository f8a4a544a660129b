"""What is offered while a line is typed could become allowed, all of it; what is only unfinished is never red."""

from __future__ import annotations

import string

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rshell.core import builtins, complete
from rshell.core.complete import Candidate
from rshell.core.model import Permit, Policy
from rshell.policy.check import context
from tests.support import SHIPPED, corpus, judge, policy, written

MORE = """
version: 1
roles: {r: {grants: [all, right]}}
grants:
  all:
    commands:
      docker ps: [all]
      docker inspect: [type: container]
      docker logs:
        options: [tail: all|0..20, since]
        on_terminal: {options: [follow]}
      fail2ban-client: {forms: [status, "get {jail} banned", "get {sshd|nginx} maxretry"]}
  right:
    right_of_pipe: true
    commands:
      grep: [count]
never: [docker logs]
"""
OBSERVE = """
version: 1
roles: {r: {grants: [docker, audit, filters]}}
grants:
  docker:
    commands:
      docker --version: []
      docker ps: [all, filter, format, last: 1..1000, latest, no-trunc, quiet, size]
      docker images: [all, digests, filter, format, no-trunc, quiet]
      docker inspect: [format, size, type: container|image]
      docker container inspect: [format, size]
      docker image inspect: [format]
      docker version: [format]
      docker info: [format]
      docker system df: [format, verbose]
      docker network ls: [filter, format, no-trunc, quiet]
      docker volume ls: [filter, format, quiet]
      docker logs:
        options: [details, since, tail: all|0..20000, timestamps, until]
        on_terminal: {options: [follow]}
      docker stats:
        options: [all, format, no-stream, no-trunc]
        needs: [no-stream]
        on_terminal: {needs: []}
  audit:
    commands:
      iptables:
        options: [list, list-rules, numeric, verbose, line-numbers]
        needs_one_of: [list, list-rules]
      sshd: {options: [test-config], needs: [test-config]}
      ss: [tcp, udp, listening, numeric, processes]
      fail2ban-client: {forms: [status, "status {jail}", "get {jail} banned"]}
      cat: {forms: ["/proc/net/{tcp|tcp6|udp|udp6}"]}
      journalctl:
        options: [unit: fail2ban|firewall|ssh|sshd, identifier: kernel, lines: 1..1000, since, until,
                  output: short|short-iso|json, reverse]
        needs: [lines]
        needs_one_of: [unit, identifier]
  filters:
    right_of_pipe: true
    commands:
      grep: [after-context, context, count, ignore-case]
      head: [bytes, lines]
      tail: [bytes, lines]
      sort: [reverse, unique]
      cut: [characters, delimiter, fields, only-delimited]
"""
RULES = written(OBSERVE)
FILTERS = ["cut", "grep", "head", "sort", "tail"]
OWN = sorted({*builtins.TABLE, *builtins.PREFIXES} - {":"})
PROGRAMS = ["cat", "docker", "fail2ban-client", "iptables", "journalctl", "ss", "sshd"]
VERBS = ["--version", "-v", "container", "image", "images", "info", "inspect", "logs", "network", "ps", "stats"]
VERBS += ["system", "version", "volume"]
AFTER_DOCKER = ["--log-level", *VERBS]
ALLOWED: list[str] = yaml.safe_load(SHIPPED)["expect"]["ai-worker"]["allow"]
# what makes an allowed line of nearly any beginning: one of these, then one of those
ENDS = (
    "", " x", " 5", "=5", "=x", "=x=y", " x=y", "=10m", "=today", "=ssh", "=json", "=kernel", "=image", "=info",
    " docker ps", " docker", " status", " sshd banned", " banned", " /proc/net/tcp", " --no-stream", " -T", " -S",
    " ls", " df", " inspect", " echo", " 1,2", " -f 1",
)  # fmt: skip
AFTER = ("", " x", " docker ps", " ps", " -n 5 -u ssh", " -n 5", " -u ssh", " -S", " -f 1", " ls", " 5", " -T")


def offered(text: str, terminal: bool = False, rules: Policy = RULES) -> list[Candidate]:
    return complete.candidates(rules, text, context(terminal=terminal))


def texts(text: str, terminal: bool = False, rules: Policy = RULES) -> list[str]:
    """The words offered at the end of a text."""
    return [one.text for one in offered(text, terminal, rules)]


def is_red(text: str, terminal: bool = False, rules: Policy = RULES) -> bool:
    """Whether a text is refused, and typing on could not mend it."""
    decided = judge(text, terminal, rules)
    return not isinstance(decided, Permit) and not complete.could_continue(text, decided)


def is_permitted(text: str, terminal: bool = False, rules: Policy = RULES) -> bool:
    return isinstance(judge(text, terminal, rules), Permit)


def becomes_allowed(text: str, terminal: bool = False) -> bool:
    """Whether some end that we know of makes an allowed line of a text."""
    return any(is_permitted(text + one + two, terminal) for one in ENDS for two in AFTER)


# -- what is offered -------------------------------------------------------------------


def test_at_the_start_of_a_line_stand_programs_and_builtins_but_no_filters() -> None:
    assert texts("") == sorted(PROGRAMS + OWN)


def test_a_candidate_says_where_it_begins_and_what_it_is() -> None:
    assert offered("docker ps; whoa") == [Candidate("whoami", 11, "print the name of the account")]


def test_only_what_begins_as_typed_is_offered() -> None:
    assert (texts("d"), texts("doc"), texts("docker"), texts("dockerx")) == (["docker"], ["docker"], ["docker"], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker ", AFTER_DOCKER),
        ("docker l", ["logs"]),
        ("docker container ", ["inspect", "list", "logs", "ls", "ps", "stats"]),
        ("docker image ", ["inspect", "list", "ls"]),
        ("docker network ", ["list", "ls"]),
        ("docker system ", ["df", "info"]),
        ("docker exec ", []),
        ("docker compose ", []),
        ("docker e", []),
        ("docker container e", []),
    ],
)
def test_only_granted_verbs_are_offered_by_all_their_names(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


PS = ["--all", "--filter", "--format", "--last", "--latest", "--no-trunc", "--quiet", "--size"]


@pytest.mark.parametrize("command", ["ps", "container ls", "container list", "container ps"])
def test_every_alias_of_a_command_offers_its_granted_options(command: str) -> None:
    assert texts(f"docker {command} -") == PS
    assert texts(f"docker {command} --no") == ["--no-trunc"]
    assert texts(f"docker {command} --host") == []


def test_options_are_offered_when_a_dash_is_typed_and_not_before() -> None:
    assert (texts("docker ps "), texts("docker ps -")) == ([], PS)


def test_an_option_without_a_long_name_is_offered_by_its_letter() -> None:
    assert texts("sshd -") == ["-T"]


def test_an_option_for_people_is_offered_at_a_terminal_only() -> None:
    assert ("--follow" in texts("docker logs -"), "--follow" in texts("docker logs -", terminal=True)) == (False, True)


@pytest.mark.parametrize(
    ("command", "given", "missing"),
    [
        ("docker ps", "--all", ["--all"]),
        ("docker ps", "-a", ["--all"]),
        ("docker ps", "-aq", ["--all", "--quiet"]),
        ("docker ps", "-qan5", ["--all", "--last", "--quiet"]),
        ("docker ps", "--last=5", ["--last"]),
        ("docker ps", "--last 5", ["--last"]),
        ("docker ps", "--filter a=b", []),  # may be given again
        ("docker logs", "-n5 x", ["--tail"]),
        ("docker logs", "-tn 5 x", ["--tail", "--timestamps"]),
        ("iptables", "-nvL", ["--list", "--numeric", "--verbose"]),
        ("ss", "-tl", ["--listening", "--tcp"]),
        ("ss | cut", "-d,", ["--delimiter"]),
        ("ss | head", "-5", ["--lines"]),
        ("journalctl", "-n 5 -ussh", ["--lines"]),  # --unit may be given again
    ],
)
def test_an_option_that_was_given_is_not_offered_again(command: str, given: str, missing: list[str]) -> None:
    assert sorted(set(texts(f"{command} -")) - set(texts(f"{command} {given} -"))) == missing


def test_after_two_dashes_no_option_is_offered() -> None:
    assert (texts("docker ps -- -"), texts("docker logs -- -")) == ([], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker inspect --type=", ["--type=container", "--type=image"]),
        ("docker inspect --type=c", ["--type=container"]),
        ("docker inspect --type ", ["container", "image"]),
        ("docker inspect --type i", ["image"]),
        ("docker inspect --type container ", []),
        ("docker logs --tail ", ["all"]),
        ("docker logs -n ", ["all"]),
        ("docker logs -n a", ["all"]),
        ("journalctl --unit ", ["fail2ban", "firewall", "ssh", "sshd"]),
        ("journalctl -u ss", ["ssh", "sshd"]),
        ("journalctl -o ", ["json", "short", "short-iso"]),
        ("journalctl --output=s", ["--output=short", "--output=short-iso"]),
        ("docker ps --format ", []),
        ("docker ps --format=", []),
        ("docker ps --all=", []),
        ("docker ps --host=", []),
        ("docker ps --format -", []),  # what follows is a value, whatever it looks like
    ],
)
def test_the_words_that_a_value_may_be_are_offered(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_a_rule_narrows_the_words_that_are_offered() -> None:
    rules = written(MORE)
    assert texts("docker inspect --type ", rules=rules) == ["container"]
    assert texts("docker inspect -", rules=rules) == ["--type"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fail2ban-client ", ["get", "status"]),
        ("fail2ban-client s", ["status"]),
        ("fail2ban-client status ", []),
        ("fail2ban-client get ", []),
        ("fail2ban-client get sshd ", ["banned"]),
        ("fail2ban-client get sshd banned ", []),
        ("fail2ban-client stop", []),
        ("cat ", ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"]),
        ("cat /proc/net/u", ["/proc/net/udp", "/proc/net/udp6"]),
        ("cat /e", []),
        ("cat /proc/net/tcp ", []),
    ],
)
def test_the_words_of_a_form_are_offered_one_after_the_other(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_a_word_that_does_not_fit_its_hole_ends_a_form() -> None:
    rules = written(MORE)
    assert texts("fail2ban-client get ", rules=rules) == ["nginx", "sshd"]
    assert texts("fail2ban-client get nginx ", rules=rules) == ["banned", "maxretry"]
    assert texts("fail2ban-client get apache ", rules=rules) == ["banned"]
    assert texts("fail2ban-client get -s ", rules=rules) == []


def test_what_never_names_is_not_offered() -> None:
    rules = written(MORE)
    assert texts("docker ", rules=rules) == ["--log-level", "container", "inspect", "ps"]
    assert texts("docker logs -", rules=rules) == []


@pytest.mark.parametrize("before", ["sudo ", "sudo -n ", "sudo sudo ", "timeout 5 ", "timeout 5m sudo "])
def test_after_a_prefix_stands_a_command(before: str) -> None:
    assert texts(before) == sorted(PROGRAMS + OWN)
    assert texts(before + "docker l") == ["logs"]
    assert texts(before + "docker inspect --type=c") == ["--type=container"]


@pytest.mark.parametrize("text", ["timeout ", "timeout 5", "sudo -", "sudo -u root docker ", "timeout -k 5 "])
def test_what_belongs_to_a_prefix_is_not_offered(text: str) -> None:
    assert texts(text) == []


@pytest.mark.parametrize("before", ["ss |", "ss | ", "ss 2>&1 | ", "ss | sort | ", "echo x; ss |\n", "ss | sudo "])
def test_to_the_right_of_a_pipe_stand_filters_only(before: str) -> None:
    assert texts(before) == FILTERS
    assert texts(before + "grep --c") == ["--context", "--count"]


@pytest.mark.parametrize("text", ["ss | docker ", "ss | docker ps -", "ss | help ", "ss | cat ", "grep -", "sort --"])
def test_what_stands_on_the_wrong_side_of_a_pipe_offers_nothing(text: str) -> None:
    assert texts(text) == []


@pytest.mark.parametrize("before", ["ss; ", "ss && ", "ss || ", "ss\n", "ss | sort; ", "# ss\n", "ss;", "ss &&"])
def test_after_an_operator_a_command_begins(before: str) -> None:
    assert texts(before) == sorted(PROGRAMS + OWN)


@pytest.mark.parametrize("text", ["rm x; docker ", "docker exec x id && docker p", "ss > x; doc", "docker stats; doc"])
def test_behind_what_is_refused_nothing_is_offered(text: str) -> None:
    assert texts(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "docker ps '--", 'docker ps "--', "docker 'p", 'docker "ps', "docker ''p", "docker p\\s", "docker ps \\", "'",
        '"',
        "bash -c 'docker ", "docker $HOME", "docker ps $", "# d", "docker ps #", "docker ps 2>", "docker ps >/dev",
        "docker logs -f <<'EOF'\ndocker ",
    ],
)  # fmt: skip
def test_inside_quotes_and_where_no_plain_word_is_typed_nothing_is_offered(text: str) -> None:
    assert texts(text) == []


def test_an_absolute_path_counts_only_where_the_program_is() -> None:
    assert (texts("/usr/bin/docker "), texts("/tmp/docker ")) == (AFTER_DOCKER, [])


def test_help_is_asked_about_whatever_there_is() -> None:
    assert texts("help docker ") == VERBS
    assert texts("help ") == sorted(FILTERS + PROGRAMS + OWN)


def test_after_a_root_option_verbs_are_still_offered() -> None:
    assert is_permitted("docker --log-level info ps")
    assert texts("docker --log-level info p") == texts("docker --log-level=info p") == ["ps"]


# -- for any text ----------------------------------------------------------------------

STARTS = sorted({line[:end] for line in ALLOWED for end in range(len(line) + 1)})
WORDS = (
    "docker", "ps", "logs", "inspect", "container", "network", "--type", "--type=", "--tail=5", "-n", "-n5", "-aq",
    "-a", "--", "-", "x", "sudo", "-n", "timeout", "5", "fail2ban-client", "get", "sshd", "cat", "|", "grep", "cut",
    "-d,", "head", "-5", ";", "&&", "\n", "help", "sleep", "journalctl", "-u", "ssh", "iptables", "-L",
    "docker exec x", "'", '"', "2>&1", "$HOME", "/usr/bin/docker", "bash", "-c", "exit", "--log-level", "info", "rm",
)  # fmt: skip
spoken = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
lines = st.one_of(
    st.sampled_from(STARTS),
    st.builds(str.__add__, spoken, st.sampled_from(("", " ", " -"))),
    st.builds(str.__add__, st.sampled_from(STARTS), st.text(string.printable, max_size=4)),
)
anything = st.one_of(lines, st.text(), st.tuples(lines, st.text(max_size=3), lines).map("".join))


@settings(deadline=None)
@given(lines, st.booleans(), st.sampled_from([RULES, policy()]))
@example("", False, policy())
@example("docker ", False, policy())
@example("docker ps -- -", False, RULES)
@example("/x/docker ps -", False, RULES)
@example("ss | docker ", False, policy())
@example("journalctl -", False, RULES)
def test_every_candidate_makes_a_text_that_is_allowed_or_may_become_so(
    text: str, terminal: bool, rules: Policy
) -> None:
    put = [text[: one.start] + one.text for one in offered(text, terminal, rules)]
    assert [each for each in put if is_red(each, terminal, rules) or is_red(each + " ", terminal, rules)] == []


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(STARTS), st.booleans())
@example("", False)
@example("docker logs -n5 -", False)
@example("journalctl -", False)
def test_every_candidate_can_be_gone_on_with_to_an_allowed_line(text: str, terminal: bool) -> None:
    put = [text[: one.start] + one.text for one in offered(text, terminal)]
    assert [each for each in put if not becomes_allowed(each, terminal)] == []


@settings(deadline=None)
@given(anything, st.booleans(), st.sampled_from([RULES, policy()]))
@example("", False, policy())
@example("docker ", False, policy())
def test_candidates_are_sorted_distinct_words_that_go_on_with_what_was_typed(
    text: str, terminal: bool, rules: Policy
) -> None:
    found = offered(text, terminal, rules)
    assert [one.text for one in found if len(one.text.split()) != 1] == []
    assert [one.text for one in found] == sorted({one.text for one in found})
    assert all(one.text.startswith(text[one.start :]) and 0 <= one.start <= len(text) for one in found)


@settings(deadline=None)
@given(anything)
@example("docker ps \x1b[31m")
@example("d\x00")
@example("docker \u202e")
@example("docker inspect --type=\udc80")
@example("dock\u00e9")
def test_no_text_makes_it_fail_and_none_is_offered_that_is_not_plain_ascii(text: str) -> None:
    for one in offered(text):
        assert one.text.isascii()
        assert one.text.isprintable()
    assert isinstance(is_red(text), bool)


@settings(deadline=None)
@given(st.text(max_size=4).filter(lambda text: not text.replace("\n", "").replace("\t", "").isprintable()))
def test_beside_a_control_character_nothing_is_offered(character: str) -> None:
    assert texts(character + "docker ") == texts(f"docker {character}") == []


# -- red -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "docker exec", "docker exec x", "docker e", "docker container exec", "rm", "rm -rf", "docker ps; rm", "curl x",
        "docker ps --host", "docker ps --host=x", "docker -H x ps", "docker system prune",
        "docker inspect --type secret", "docker inspect --type=secret x", "docker logs x --tail 1000000",
        "cat /etc/passwd", "cat /e", "ss $(", "ss `", "fail2ban-client stop", "fail2ban-client get a b c",
        "grep root /etc/passwd", "ss | rm", "ss | docker", "ss > x", "journalctl -fu ssh", "sudo -u root docker",
        "docker ps --privileged", "ss & ss", "x=1", "for x in", "ss *", "docker ps extra", "\x1b[31m",
        "docker ps \u202e", "sleep 5 6", "exit 256", "whoami x", "docker --version exec x", "docker --context",
        "docker --config", "sshd -f", "journalctl --cursor-file", "bash x.sh", "sh -s", "timeout -k 5 docker ps",
        "timeout x docker ps", "docker logs; docker ps", "docker logs | grep x", "docker stats; docker ps",
        "docker inspect && docker ps", "docker; docker ps", "docker exec x; docker logs",
    ],
)  # fmt: skip
def test_what_is_refused_is_red_once_its_word_has_ended(text: str) -> None:
    assert not becomes_allowed(text + " ")
    assert is_red(text + " ")


@pytest.mark.parametrize("text", ["docker exec x", "rm x", "docker -H x ps", "docker ps --host x", "ss; rm x"])
def test_what_was_refused_stays_red_while_the_next_word_is_typed(text: str) -> None:
    assert is_red(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "d", "docker", "docker ", "docker container", "docker network", "docker system", "docker volume ",
        "sudo", "sudo -n", "sudo -n ", "timeout", "timeout ", "timeout 5", "timeout 5 ", "cat", "cat ", "cat /proc/",
        "sleep", "sleep ", "which", "type ", "explain ", "bash", "bash ", "bash -", "bash -c", "bash -c 'docker ",
        "fail2ban-client", "fail2ban-client get ", "docker logs", "docker logs --t", "docker logs --tail ",
        "docker inspect --type=", "docker inspect --type=cont", "docker inspect --type im",
        "docker inspect --type image ", "docker stats", "docker stats ", "docker stats --no-s", "docker container l",
        "docker image ins", "docker volume l", "journalctl", "journalctl ", "journalctl -u", "journalctl -u f",
        "journalctl -u ssh", "journalctl -u ssh -r ", "iptables", "iptables -n", "iptables -n ", "sshd ",
        "docker ps |", "docker ps | gr", "docker ps | grep", "docker ps | grep ", "docker ps &", "docker ps 2>",
        "docker ps 2>&", "docker ps >", "docker ps >/dev/nul", "docker ps &>", "docker ps 'a", "ss <",
        "docker --log-level", "docker --log-level ", "docker --log-level in", "docker --log-level info ",
        "docker --log-level info p", "/usr/bin/dock", "/usr/bin/docker", "docker logs -",
        "docker logs x --since 2026-01-3", "docker ps -", "docker ps --", "ss | cut -f", "echo $", "echo $HOM",
        "docker ps; docker logs", "docker ps && docker stats ", "ss | cut ",
    ],
)  # fmt: skip
def test_what_is_only_unfinished_is_not_red(text: str) -> None:
    assert not is_red(text)


def reds(line: str) -> list[str]:
    """The beginnings of a line that are red under the shipped policy."""
    return [line[:end] for end in range(len(line) + 1) if is_red(line[:end], terminal=True, rules=policy())]


@pytest.mark.parametrize("line", ALLOWED)
def test_no_beginning_of_an_expected_line_is_ever_red(line: str) -> None:
    assert reds(line) == []


TYPED = sorted({
    str(entry["line"]) for name in ("docker-allow.jsonl", "agent-lines.jsonl") for entry in corpus(name)
    if len(str(entry["line"])) < 300 and is_permitted(str(entry["line"]), terminal=True, rules=policy())
})  # fmt: skip


@pytest.mark.parametrize("line", TYPED)
def test_no_beginning_of_an_allowed_line_is_ever_red(line: str) -> None:
    assert reds(line) == []


@settings(deadline=None)
@given(lines, st.booleans())
def test_what_is_red_has_no_end_that_makes_it_allowed(text: str, terminal: bool) -> None:
    if is_red(text, terminal):
        assert [end for end in ENDS if is_permitted(text + end, terminal)] == []
