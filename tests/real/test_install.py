"""rshellctl install on a real host: with its own useradd, visudo, sudo and sshd."""

import pytest

from rshell.host import layout

from .host import Host
from .sshd import Client

pytestmark = pytest.mark.real


def test_the_shell_answers_by_ssh(host: Host, host_ssh: Client) -> None:
    assert host_ssh("echo hello").stdout == "hello\n"


def test_a_second_run_changes_nothing(host: Host) -> None:
    done = host.install()
    assert done.stdout == "nothing to do: all is as it should be\n"
    print(layout.CTL)
