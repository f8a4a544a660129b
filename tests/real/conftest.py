"""Fixtures of a real host. Each starts its own servers, privately, and stops them."""

import inspect
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from rshell.host import layout

from . import account as account_module
from . import engine as engine_module
from . import ground
from .account import NAME, Account, made_account
from .boundary import DIRECT, GATE, MODULES, identities, made_boundary
from .compose import Plugin, made_plugin
from .engine import Engine, running_engine
from .fail2ban import Fail2ban, running_fail2ban
from .host import NAME as BOT
from .host import Host, fresh_host, made_host
from .install import Installed, made_installation
from .logs import DevLog, Journal, listening_devlog, running_journal
from .sshd import Client, Keys, Sshd
from .terminal import Terminal

RUNNING = {"talker", "engine", "journal", "fail2ban", "quiet", "tmux"}
"""Fixtures of tests that run what has an identity, or that watch what runs."""


class MakeSshd(Protocol):
    """Starts another sshd with lines of its own."""

    def __call__(self, *lines: str) -> Sshd:
        """Give the running server."""
        ...


class OpenTerminal(Protocol):
    """Starts a command in a terminal."""

    def __call__(
        self, *argv: str | Path, width: int = 80, height: int = 24, env: Mapping[str, str] | None = None
    ) -> Terminal:
        """Give the terminal."""
        ...


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "real: needs root and a host's own programs (see tests/real)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the servers' logs with a failure."""
    report = yield
    if report.failed:
        for name, log in ground.LOGS.items():
            report.sections.append((f"log of {name}", ground.tail(log)))
    return report


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """This run's own directory on this host, which only root can write, and the host itself."""
    ground.need("setpriv")
    with ground.only_run(), ground.usual_umask(), ground.own_directory() as directory:
        account_module.remove_leftover()
        engine_module.remove_leftover()
        yield directory


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers' logs stay after the run, as long as pytest keeps its directories."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def engine(base: Path, logs: Path) -> Iterator[Engine]:
    """A real Docker Engine at /var/run/docker.sock."""
    with running_engine(base, logs / "dockerd") as running:
        yield running


@pytest.fixture(scope="session")
def compose_plugin(base: Path) -> Iterator[Plugin]:
    """A docker compose for the whole host."""
    with made_plugin(base) as plugin:
        yield plugin


@pytest.fixture(scope="module")
def talker(engine: Engine) -> Iterator[str]:
    """A running container that has said `yes`, `no` (on stderr) and `maybe`, and stays."""
    script = "echo yes; echo no >&2; echo maybe; exec sleep 3600"
    engine.docker("run", "--detach", "--network=none", "--name=talker", engine.image, "sh", "-c", script)
    ground.wait_until(lambda: "maybe" in engine.docker("logs", "talker").stdout, 30, "the container's words")
    yield "talker"
    engine.docker("rm", "--force", "talker", check=False)


@pytest.fixture(scope="session")
def installed(base: Path) -> Iterator[Installed]:
    """The program, installed from this checkout, with its own policy applied."""
    with made_installation(base) as installation:
        yield installation


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what installs on this host: it makes the identities itself, and leaves none to the others."""
    items.sort(key=lambda item: not {"host", "fresh"} & set(getattr(item, "fixturenames", ())))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what a user meets behind both boundaries; what nothing is run for, behind the gate."""
    if "boundary" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in MODULES:
        told = "boundary" in inspect.signature(metafunc.function).parameters
        kinds = [DIRECT, GATE] if told or RUNNING & {*metafunc.fixturenames} else [GATE]
        metafunc.parametrize("boundary", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def boundary(request: pytest.FixtureRequest) -> str:
    """Which boundary the account is behind."""
    return str(getattr(request, "param", DIRECT))


@pytest.fixture(scope="session")
def account(installed: Installed, boundary: str) -> Iterator[Account]:
    """ai-worker, with the installed launcher as login shell."""
    with made_boundary(boundary, installed, NAME), made_account(installed.launcher, boundary == DIRECT) as made:
        made.identities = identities() if boundary == GATE else set()
        yield made


@pytest.fixture(scope="session")
def keys(base: Path) -> Keys:
    """The host's and the client's SSH keys."""
    return Keys(base)


@pytest.fixture(scope="session")
def sshd_with(keys: Keys, logs: Path) -> Iterator[MakeSshd]:
    """Starts an sshd with extra lines, such as ForceCommand; all end with the session."""
    with ExitStack() as stack:

        def start(*lines: str) -> Sshd:
            server = Sshd(keys, logs, NAME, lines)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def sshd(sshd_with: MakeSshd, account: Account, log_listener: DevLog) -> Sshd:
    """An sshd with Debian's settings, where the account may log in; without /dev/log nothing would run."""
    return sshd_with()


@pytest.fixture(scope="session")
def ssh(sshd: Sshd) -> Client:
    """A client of that sshd."""
    return sshd.client


@pytest.fixture(scope="session")
def forced_ssh(sshd_with: MakeSshd, account: Account, installed: Installed, log_listener: DevLog) -> Client:
    """A client of an sshd whose ForceCommand is the launcher."""
    return sshd_with(f"ForceCommand {installed.launcher}").client


@pytest.fixture(scope="module")
def host(installed: Installed, base: Path, keys: Keys, log_listener: DevLog) -> Iterator[Host]:
    """This host as `rshellctl install` leaves it: the gate, an account rshell-bot with a key; gone with the module."""
    with made_host(installed, base, keys) as made:
        yield made


@pytest.fixture
def fresh(installed: Installed, base: Path, keys: Keys, log_listener: DevLog) -> Iterator[Host]:
    """This host with an installation that is root's, and nothing done with it yet."""
    with fresh_host(installed, base, keys) as bare:
        yield bare


@pytest.fixture(scope="module")
def host_ssh(host: Host, keys: Keys, logs: Path) -> Iterator[Client]:
    """A client of an sshd that was told of the account by install alone."""
    server = Sshd(keys, logs, BOT, (f"Include {layout.SSHD_DIRECTORY}/rshell-{BOT}.conf",))
    yield server.client
    server.stop()


@pytest.fixture(scope="session")
def log_listener(base: Path) -> Iterator[DevLog]:
    """A listener on /dev/log for all tests: in direct mode it is the only place that takes records."""
    with listening_devlog() as listener:
        yield listener


@pytest.fixture
def devlog(log_listener: DevLog, account: Account) -> DevLog:
    """That listener, with nothing of earlier tests in it; only the account's records count."""
    log_listener.senders = {account.uid, *account.identities, *([0] if account.identities else [])}
    log_listener.clear()
    return log_listener


@pytest.fixture
def quiet(account: Account) -> Iterator[Account]:
    """The account with no process before the test, and none of this test's after it."""
    account.wait_idle()
    yield account
    try:
        account.wait_idle()
    finally:
        ground.Handles(account.processes()).kill()


@pytest.fixture(scope="session")
def journal(base: Path, logs: Path) -> Iterator[Journal]:
    """A journald with something of the kernel in it."""
    with running_journal(logs / "journald") as running:
        yield running


@pytest.fixture(scope="session")
def fail2ban(base: Path, logs: Path) -> Iterator[Fail2ban]:
    """A fail2ban with one jail, sshd."""
    with running_fail2ban(base, logs / "fail2ban") as running:
        yield running


@pytest.fixture
def tmux(base: Path) -> Iterator[OpenTerminal]:
    """Opens terminals, which close with the test."""
    with ExitStack() as stack:

        def start(
            *argv: str | Path, width: int = 80, height: int = 24, env: Mapping[str, str] | None = None
        ) -> Terminal:
            terminal = Terminal(base, argv, width, height, env)
            stack.callback(terminal.hang_up)
            return terminal

        yield start
