"""What rshell costs: a table of ratios with their targets. It judges nothing: its status is always 0."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import place
from rows import ROWS, Bench, Row, Skipped

HEAD = Row("A / B", "A", "B", "A/B (middle half)", "target")


def main(argv: list[str]) -> int:
    """Measure the rows that were asked for."""
    asked = arguments(argv)
    if os.geteuid():
        sys.stdout.write("must be root: it installs rshell and a policy, in a mount namespace of its own\n")
        return 0
    if place.INSIDE not in os.environ:
        place.enter([str(Path(__file__).absolute()), *argv])
        return 0
    with place.own_directory() as base:
        load = " ".join(Path("/proc/loadavg").read_text().split()[:3])
        print_line(f"load {load}; {os.cpu_count()} processors; whole processes, A B A B..., median of the ratios\n")
        bench = Bench(place.Installed(base), asked.quick)
        os.nice(-20)  # what else runs on this host shall not be what is measured
        show("", [HEAD])
        for name in asked.only or ROWS:
            measure(name, bench)
    return 0


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="tests/benchmarks/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: a first impression")
    parser.add_argument("--only", action="append", choices=list(ROWS), metavar="ROW", help=" ".join(ROWS))
    return parser.parse_args(argv)


def measure(name: str, bench: Bench) -> None:
    """Measure and print one row; what fails is said, and the next one is measured."""
    try:
        show(name, ROWS[name](bench))
    except Skipped as skipped:
        show(name, [Row(f"not measured: {skipped}", "", "", "")])
    except (RuntimeError, OSError) as error:
        show(name, [Row(f"failed: {error}", "", "", "")])


def show(name: str, rows: Iterable[Row]) -> None:
    """Print rows as they come."""
    for row in rows:
        cells = f"{row.first:>10}  {row.second:>10}  {row.ratio:<18}  {row.target:<9}  {row.mark}"
        print_line(f"{name:<9}  {row.what:<68}  {cells}".rstrip())


def print_line(text: str) -> None:
    """Print a line at once: a run takes minutes."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
