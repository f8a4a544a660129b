"""The docker networks that a policy speaks of: made once, so that containers can be put into them."""

from __future__ import annotations

from typing import Any

from rshell.ctl.setup.steps import Step
from rshell.ctl.system import Answer, ask

BUILT_IN = ("bridge", "none", "host", "default")
LABEL = "rshell.protect=true"  # so that a prune of the account's spares it, as the shipped policy says
ENGINE = "unix:///var/run/docker.sock"  # root's own configuration may name another


class Network(Step):
    """A network of the Engine's own making: no route to it but through its containers' ports."""

    kind = "network"

    def __init__(self, name: str) -> None:
        super().__init__(name, f"docker network {name}: the policy lists it")

    def is_done(self) -> bool:
        return docker("network", "inspect", "--", self.name).good

    def found(self) -> Any:
        return self.is_done() or None

    def do(self) -> str:
        answer = docker("network", "create", f"--label={LABEL}", "--", self.name)
        if answer.good:
            return ""
        return f"network {self.name} is not made: {answer.err.strip()}; when docker runs, rshellctl install makes it"

    @staticmethod
    def put_back(name: str, was: Any) -> str:
        if was is not None or not docker("network", "inspect", "--", name).good:
            return ""
        answer = docker("network", "rm", "--", name)
        return "" if answer.good else f"network {name} is kept: {answer.err.strip()}"


def wanted(containers: object) -> list[str]:
    """Return the networks that a policy's `containers` names, without those that are always there."""
    names = getattr(containers, "networks", ())
    return [name for name in names if name not in BUILT_IN and "*" not in name]


def docker(*words: str) -> Answer:
    """Ask the Engine of this host."""
    return ask("docker", "--host", ENGINE, *words, timeout=20)
