"""The policies of the benchmark: the shipped one for root, and generated ones of many rules."""

from place import CHECKOUT

AIM = "users: [ai-worker]"
ROLE = "bench"


def shipped() -> str:
    """Return the shipped policy, with root among its users."""
    text = (CHECKOUT / "policy.yaml").read_text()
    if AIM not in text:
        raise RuntimeError(f"policy.yaml has no line `{AIM}` to put root into")
    return text.replace(AIM, "users: [ai-worker, root]")


def talkative(program: str, words: str) -> str:
    """Return the shipped policy, with one more program that prints much."""
    grant = f"  much:\n    about: Much output.\n    commands:\n      {program}: {{forms: ['{words}']}}\n"
    return (
        shipped()
        .replace(", audit, filters]", ", audit, filters, much]", 1)
        .replace("\ngrants:\n", "\ngrants:\n" + grant, 1)
    )


def gated(user: str) -> str:
    """Return the shipped policy for an account behind the gate, with a trivial command under an identity."""
    grant = "  far:\n    run_as: docker\n    commands:\n      test: {forms: [-e /proc/net/udp]}\n"
    return (
        (CHECKOUT / "policy.yaml")
        .read_text()
        .replace(AIM, f"users: [ai-worker, {user}]")
        .replace(", audit, filters]", ", audit, far, filters]", 1)
        .replace("\ngrants:\n", "\ngrants:\n" + grant, 1)
    )


def many_roles(rules: int) -> str:
    """Return a policy of so many rules: roles of ten rules each, and each with a user of its own."""
    lines = ["version: 1", "roles:", *_role(ROLE, "root")]
    count = rules // 10
    for number in range(1, count):
        lines += _role(f"role{number}", f"user{number}")
    lines += ["grants:"]
    for name in (ROLE, *(f"role{number}" for number in range(1, count))):
        lines += [f"  {name}-grant:", "    commands:", *(f"      t{one}: {{forms: [a]}}" for one in range(9))]
        lines += ["      docker ps: [all]"]
    return "\n".join([*lines, *_tail()])


def many_commands(rules: int) -> str:
    """Return a policy of so many rules: one role, a program for each rule."""
    lines = ["version: 1", "roles:", *_role(ROLE, "root"), "grants:", f"  {ROLE}-grant:", "    commands:"]
    lines += [f"      tool{number}: {{forms: [status, '{{name}} show']}}" for number in range(rules - 1)]
    lines += ["      docker ps: [all]"]
    return "\n".join([*lines, *_tail()])


def _role(name: str, user: str) -> list[str]:
    return [f"  {name}:", f"    users: [{user}]", f"    grants: [{name}-grant]"]


def _tail() -> list[str]:
    return ["audit: {required: true, journal: true, file: /var/log/rshell/audit.jsonl}", ""]
