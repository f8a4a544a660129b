"""The corpora, line by line, against the shipped policy."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from rshell import say
from rshell.core.explain import stages
from rshell.core.model import Builtin, Exec, Permit, Policy, Refusal
from rshell.core.objects.rights import Thing
from rshell.core.settle import settle
from rshell.core.words import decide_words
from rshell.policy.check import context
from tests.support import SHIPPED, corpus, judge, policy, written

Entry = dict[str, Any]


def line_of(entry: Entry) -> str:
    """The line of an entry; an argv is quoted, as the link `docker -> rshell` does it."""
    return str(entry["line"]) if "line" in entry else " ".join(say.quote(word) for word in entry["argv"])


def decided_on(entry: Entry) -> Permit | Refusal | Exec:
    """The decision on an entry; an argv is decided on word by word, as the gate does it."""
    return judge(entry["line"]) if "line" in entry else decide_words(policy(), entry["argv"], None, context())


def by_id(name: str) -> list[Any]:
    return [pytest.param(entry, id=entry["id"]) for entry in corpus(name)]


def commands(line: str, rules: Policy | None = None) -> list[str]:
    """The names of what a permitted line runs."""
    decided = judge(line, rules=rules)
    assert isinstance(decided, Permit), decided
    return [stage.name for stage in stages(decided)]


# -- evasions of docker filters --------------------------------------------------------

OBJECTS = "acts on a foreign container or image: refused once it is looked up, where `objects` say so: see below"
# Allowed though the corpus says no, each with its reason.
DENY_BUT_ALLOWED = {
    "A0386": "a Dockerfile on stdin is judged when it is read; without one it is refused then: see tests/real",
    "A0490": "`tier: policy`: docker:dind is an image of a listed registry; unprivileged, it can do what any other can",
    "A0501": OBJECTS,
    "A0508": OBJECTS,
    "A0509": OBJECTS,
    "A0510": OBJECTS,
    "A0513": OBJECTS,
    "A0544": "`tier: policy`: system prune without --volumes is granted, as both predecessors did",
    "A0515": OBJECTS,
    "A0518": OBJECTS,
    "A0519": OBJECTS,
    "A0628": "`docker ps #; id`: what follows # is a comment in dash and bash, and here; only docker ps runs",
}


@pytest.mark.parametrize("entry", by_id("docker-deny.jsonl"))
def test_an_evasion_is_refused(entry: Entry) -> None:
    decided = decided_on(entry)
    assert isinstance(decided, Refusal) == (entry["id"] not in DENY_BUT_ALLOWED), decided


def test_an_argv_is_refused_as_a_line_too() -> None:
    entries = [entry for entry in corpus("docker-deny.jsonl") if "argv" in entry]
    assert len(entries) == 14
    assert all(isinstance(judge(line_of(entry)), Refusal) for entry in entries)


@pytest.mark.parametrize(("identity", "argv"), [
    ("A0386", (
        "/usr/bin/docker", "image", "build", "--memory=17179869184", "--label=rshell.built-by=0", "--file=Dockerfile",
        "--", "-",
    )),
    ("A0490", (
        "/usr/bin/docker", "container", "run", "--memory=17179869184", "--pids-limit=512",
        "--security-opt=no-new-privileges", "--label=com.docker.compose.project=", "--label=rshell.owner=0", "--",
        "docker:dind",
    )),
    ("A0501", ("/usr/bin/docker", "container", "stop", "--signal=KILL", "-t=0", "--", "c0f")),
    ("A0508", ("/usr/bin/docker", "image", "rm", "--force", "--", "ab")),
    ("A0509", ("/usr/bin/docker", "image", "rm", "--", "ab")),
    ("A0510", ("/usr/bin/docker", "image", "rm", "--", "ab")),
    ("A0513", ("/usr/bin/docker", "container", "rm", "--force", "--", "vault")),
    ("A0544", ("/usr/bin/docker", "system", "prune", "--force", "--filter=label!=rshell.protect=true")),
    ("A0515", ("/usr/bin/docker", "container", "logs", "--", "vault")),
    ("A0518", ("/usr/bin/docker", "inspect", "--", "vault")),
    ("A0519", ("/usr/bin/docker", "inspect", "--", "c0f")),
    ("A0628", ("/usr/bin/docker", "container", "ls")),
])  # fmt: skip
def test_an_evasion_that_is_allowed_runs_exactly_this(identity: str, argv: tuple[str, ...]) -> None:
    decided = judge(line_of(next(entry for entry in corpus("docker-deny.jsonl") if entry["id"] == identity)))
    assert isinstance(decided, Permit)
    assert [stage.argv for stage in stages(decided) if isinstance(stage, Exec)] == [argv]


VAULT = (Thing("container", "c0f" + "0" * 61, ("vault",), ()), Thing("image", "sha256:ab" + "0" * 62, ("vault:1",), ()))


@pytest.mark.parametrize("objects", [
    "{manage: own, observe: own}",
    "{manage: listed, observe: own, listed: {containers: [ollama], images: [lab/*]}}",
    "{manage: any, observe: any, protected: {containers: [vault], images: [vault]}}",
])  # fmt: skip
@pytest.mark.parametrize("identity", [name for name, why in DENY_BUT_ALLOWED.items() if why == OBJECTS])
def test_an_object_that_is_not_the_account_s_is_refused_once_it_is_looked_up(identity: str, objects: str) -> None:
    before, _, rest = SHIPPED.decode().partition("objects:\n")
    text = f"{before}objects: {objects}\n\n{rest[rest.index('# -- What to say'):]}".partition("expect:\n")[0]
    rules = written(text, "ai-worker")
    decided = judge(line_of(next(each for each in corpus("docker-deny.jsonl") if each["id"] == identity)), rules=rules)
    if isinstance(decided, Permit):
        (stage,) = [stage for stage in stages(decided) if isinstance(stage, Exec)]
        kind = VAULT["image" in stage.command or "rmi" in stage.command]
        decided = settle(rules, stage, {need: (kind,) * len(need.subjects) for need in stage.needs}, context())
    assert isinstance(decided, Refusal)
    assert decided.code.rpartition(".")[2] in ("not-yours", "not-listed", "protected")


# -- everyday lines of docker ----------------------------------------------------------

CONTEXTS = "allowed: - (a Dockerfile on stdin)"  # directories are the operator's to list, by their whole path
# What the shipped policy does not list: the code, and the sentence that says so.
NOT_LISTED = {
    **dict.fromkeys(("L0198", "L0199"), ("docker.build.no-context", CONTEXTS)),
}
# They read a compose.yaml where they are typed: allowed where that is a project of the operator's.
OF_A_PROJECT = (
    "L0208", "L0210", "L0212", "L0213", "L0223", "L0224", "L0225", "L0226", "L0231", "L0235", "L0236", "L0240", "L0241",
)  # fmt: skip
PROJECT = """  compose:
    default: lab
    projects:
      lab:
        directory: /srv/lab
        verbs: [config, create, logs, ps, pull, run, up]
        run: {bench: ["", "python bench.py --runs {1..99}"]}
        environment: [RUNS]
"""


@cache
def site() -> Policy:
    """The shipped policy, with a project of the operator's by the name of `lab`."""
    before, _, rest = SHIPPED.decode().partition("  compose:\n    stdin:")
    after = rest[rest.index("\n\n") :]
    lines = (before + PROJECT + after).partition("expect:\n")[0]
    return written(lines, "ai-worker")


CATEGORIES = {
    "ps": {"docker ps"},
    "logs": {"docker logs"},
    "logs-pipe": {"docker ps", "docker logs", "docker images", "docker stats"},
    "inspect": {"docker inspect", "docker container inspect", "docker image inspect"},
    "images": {"docker images"},
    "info": {
        "docker version", "docker info", "docker network ls", "docker volume ls", "docker system df",
        "docker compose version", "docker --version",
    },
    "stats": {"docker stats"},
    "global": {"docker ps", "docker images"},
    "lifecycle": {"docker start", "docker stop", "docker restart", "docker rm", "docker rmi", "docker wait"},
    "pull": {"docker pull"},
    "run-ollama": {"docker run"},
    "run-audit": {"docker run"},
    "build": {"docker build"},
    "compose": {
        "docker compose " + verb for verb in (
            "ls", "ps", "logs", "config", "up", "down", "images", "volumes", "top", "start", "pause", "unpause",
            "wait", "stop", "restart", "port", "stats", "pull", "build", "create", "run", "rm", "version",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("entry", by_id("docker-allow.jsonl"))
def test_an_everyday_line_is_allowed_but_for_what_can_not_be_judged_yet(entry: Entry) -> None:
    decided = judge(entry["line"])
    if entry["id"] in OF_A_PROJECT:
        assert isinstance(decided, Refusal)
        assert decided.code.rpartition(".")[2] in ("file", "needs-file")
        assert commands(entry["line"], site())[0] in CATEGORIES[entry["category"]]
    elif entry["id"] in NOT_LISTED:
        code, sentence = NOT_LISTED[entry["id"]]
        assert isinstance(decided, Refusal)
        assert (decided.kind, decided.code) == ("denied", code)
        assert sentence in (decided.message, decided.why)
    else:
        assert commands(entry["line"])[0] in CATEGORIES[entry["category"]]


def test_every_category_is_known() -> None:
    assert {entry["category"] for entry in corpus("docker-allow.jsonl")} == set(CATEGORIES)


# -- lines of agents and their harnesses -----------------------------------------------

# `allow` or `unwrap` in the corpus, refused here: why.
AGENT_BUT_REFUSED = {
    "L088": "systemctl and stat are no commands of this policy",
    "L089": "uname and ls are no commands of this policy",
    "L107": "the text in the corpus is a placeholder, <8-line wrapper ...>, not the wrapper",
    "L113": "~ is expanded by sh and not by rshell; refused with the form that works",
}
WANTED = {"allow": True, "builtin": True, "unwrap": True, "deny": False, "partial": False}


@pytest.mark.parametrize("entry", by_id("agent-lines.jsonl"))
def test_a_line_of_an_agent_gets_what_it_should(entry: Entry) -> None:
    decided = judge(entry["line"])
    if entry["want"] in WANTED:
        expected = WANTED[entry["want"]] and entry["id"] not in AGENT_BUT_REFUSED
        assert isinstance(decided, Permit) == expected, decided
    if entry["want"] == "builtin":
        assert isinstance(decided, Permit)
        assert all(isinstance(stage, Builtin) for stage in stages(decided))


@pytest.mark.parametrize(
    ("identity", "code", "part"),
    [
        ("L010", "docker.service.ls", "docker service ls"),
        ("L075", "unknown.command", "pm2"),
        ("L077", "unknown.command", "pm2"),
    ],
)
def test_one_refused_part_refuses_all_and_is_named(identity: str, code: str, part: str) -> None:
    line = next(entry["line"] for entry in corpus("agent-lines.jsonl") if entry["id"] == identity)
    decided = judge(line)
    assert isinstance(decided, Refusal)
    assert decided.at is not None
    assert (decided.code, line[decided.at[0] : decided.at[1]]) == (code, part)


# What a site decides: with the shipped policy.
POLICY_ALLOWED = {
    "L034": "docker inspect shows a container's environment; granted, its output is not filtered yet",
    "L066": "stop and rm of anybody's container are granted, as the predecessors did",
    "L067": "the same for restart",
}
REWRITE_REFUSED = {"L013": "docker-compose", "L122": "docker exec -it", "L133": "jq"}


def test_what_a_site_decides_is_decided_by_the_shipped_policy() -> None:
    entries = [entry for entry in corpus("agent-lines.jsonl") if entry["want"] in ("policy", "rewrite")]
    allowed = {entry["id"] for entry in entries if isinstance(judge(entry["line"]), Permit)}
    assert allowed == set(POLICY_ALLOWED)
    assert {entry["id"] for entry in entries if entry["want"] == "rewrite"} == set(REWRITE_REFUSED)


# -- attacks on restricted shells ------------------------------------------------------

HARMLESS = "quotes, chains or comments only what is allowed"
ENVIRONMENT = "the line is harmless, the attack is in the environment, which no command inherits"
# Allowed though the corpus says `reject`: (input) -> reason.
RESTRICTED_BUT_ALLOWED = {
    "echo x": ENVIRONMENT,
    "echo hi": ENVIRONMENT,
    "cd /": "going somewhere shows nothing: no command of the policy reads files from the directory",
    "cd var": "the same",
    "docker ps -a ;": HARMLESS,
    "d''ocker run x": "quotes inside a word change nothing: it is docker run x, which is granted and judged",
}
# `reject-unless-policy-lists-exactly`: these the policy lists.
LISTED = {
    "docker inspect --format '{{json .Config.Env}}' c": "inspect is granted; whose containers, `objects` say",
    "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' c": "the same",
    "docker logs --since 0 --tail all c": "all is listed for tail",
    "docker ps -f label=a -f label=b": "filter is granted and may be repeated",
    "docker ps --all=false": "all is granted, and its value is one of pflag's",
    "docker run --entrypoint sh x": "what runs in a container is free; what the container may be is judged",
    "docker container run x": "another name of docker run",
    "cat /proc/net/tcp6": "listed with tcp, udp and udp6",
}
# Lines that the corpus lists to be refused with a hint, but the design accepts.
HINTED_BUT_ALLOWED = {"bash -lc 'docker ps'", "docker logs web | grep -i error | tail -20"}


def inputs(*expectations: str) -> list[Any]:
    return [
        pytest.param(entry, id=f"{number}-{entry['class']}")
        for number, entry in enumerate(corpus("restricted-shell.jsonl"))
        if entry["expect"] in expectations
    ]


@pytest.mark.parametrize("entry", inputs("reject", "sshd_config-or-runtime-control", "runtime-control"))
def test_an_attack_is_refused(entry: Entry) -> None:
    decided = judge(entry["input"])
    assert isinstance(decided, Refusal) == (entry["input"] not in RESTRICTED_BUT_ALLOWED), decided


@pytest.mark.parametrize("line", RESTRICTED_BUT_ALLOWED)
def test_an_attack_that_is_allowed_runs_only_what_the_policy_names(line: str) -> None:
    assert set(commands(line)) <= {"echo", "cd", "docker ps", "docker run"}


@pytest.mark.parametrize("entry", inputs("reject-unless-policy-lists-exactly"))
def test_only_what_the_policy_lists_exactly_is_allowed(entry: Entry) -> None:
    decided = judge(entry["input"])
    assert isinstance(decided, Permit) == (entry["input"] in LISTED), decided


@pytest.mark.parametrize("entry", inputs("reject-with-actionable-hint"))
def test_a_line_with_a_hint_is_refused_with_one(entry: Entry) -> None:
    decided = judge(entry["input"])
    assert isinstance(decided, Permit) == (entry["input"] in HINTED_BUT_ALLOWED), decided
    if isinstance(decided, Refusal):
        assert decided.why


def test_quoted_operators_are_literal() -> None:
    decided = judge("echo 'foo&'")
    assert isinstance(decided, Permit)
    (stage,) = stages(decided)
    assert isinstance(stage, Builtin)
    assert [word.text for word in stage.words] == ["foo&"]


def test_an_empty_line_is_an_empty_permit() -> None:
    assert judge("") == Permit("", ())


def test_bytes_that_are_no_utf_8_are_refused_as_that() -> None:
    encoded = [entry for entry in corpus("restricted-shell.jsonl") if entry.get("encoding") == "base64"]
    assert [entry["class"] for entry in encoded] == ["invalid-utf8"]
    decided = judge(encoded[0]["input"])
    assert isinstance(decided, Refusal)
    assert (decided.kind, decided.code) == ("unsupported", "line.encoding")


def every_line() -> list[str]:
    lines = [line_of(entry) for name in ("docker-deny.jsonl", "docker-allow.jsonl", "agent-lines.jsonl")
             for entry in corpus(name)]  # fmt: skip
    return lines + [entry["input"] for entry in corpus("restricted-shell.jsonl")]


def test_every_refusal_of_the_corpora_can_be_said() -> None:
    for line in every_line():
        decided = judge(line)
        if isinstance(decided, Refusal):
            text = say.render(decided)
            assert text.isascii()
            assert text.startswith(f"rshell: {decided.kind}: ")
            assert len(text.splitlines()) <= 6
            assert decided.message
            assert "{" not in decided.code
