"""doctor names each fault of a host that is only described, and is silent about a clean one."""

import json
import stat
from collections.abc import Callable

import pytest

from rshell.ctl.doctor import docker, examine, keys, paths, sshd, sudo
from rshell.ctl.doctor.finding import CODES, GRADES, found
from rshell.ctl.doctor.host import Account, Opened, Process
from rshell.ctl.doctor.report import as_json, as_text, holds, passed
from rshell.ctl.doctor.scene import survey
from rshell.ctl.policies import Stop
from rshell.host import layout
from rshell.policy.check import compile_checked
from rshell.policy.store import Compiled
from tests.ctl.planted import DOCKER, HOME, KEY, LIBRARY, PYTHON, SOCKET, UID, USER, Planted
from tests.support import SHIPPED

Plant = Callable[[Planted], object]


def judged(host: Planted, user: str | None = None) -> set[str]:
    """The codes of what is found."""
    return {finding.code for finding in examine(survey(host, user))}


def with_policy(text: str) -> Plant:
    """Another policy in force."""
    return lambda host: setattr(host, "opened", Opened(Compiled(compile_checked(text.encode(), layout.POLICY))))


def shipped(before: str, after: str) -> Plant:
    """The shipped policy with one thing changed."""
    assert before in SHIPPED.decode()
    return with_policy(SHIPPED.decode().replace(before, after))


def with_sshd(line: str, **when: str) -> Plant:
    """An sshd that says something else, for some callers only."""

    def plant(host: Planted) -> None:
        usual = host.sshd
        keyword = line.split()[0]

        def answer(who: dict[str, str]) -> list[str]:
            said = usual(who)
            return [*(one for one in said if one.split()[0] != keyword), line] if when.items() <= who.items() else said

        host.sshd = answer

    return plant


def account(**changes: object) -> Plant:
    """The account, otherwise."""
    return lambda host: host.users.update({USER: host.users[USER].but(**changes)})


def process(program: str, *words: str, uid: int = UID, parent: int = 1) -> Plant:
    """Something that runs."""
    return lambda host: host.running.append(Process(4711, parent, uid, program, words or (program,)))


def right(commands: str, users: str = "root", options: str = "!authenticate") -> Plant:
    """One more entry of sudoers."""

    def plant(host: Planted) -> None:
        host.rights += (
            f"\nSudoers entry:\n    RunAsUsers: {users}\n    Options: {options}\n    Commands:\n\t{commands}\n"
        )

    return plant


def pyc(host: Planted) -> None:
    """A module without its compiled form, one with a stale one, one as it should be."""
    for name in ("gone", "stale", "fresh"):
        host.file(f"{LIBRARY}/rshell/{name}.py", "pass\n")
    for name, size in (("stale", 4), ("fresh", 5)):
        stamp = (1_700_000_000).to_bytes(4, "little") + size.to_bytes(4, "little")
        made = b"\x00" * 8 + stamp
        host.file(f"{LIBRARY}/rshell/__pycache__/{name}.cpython-311.pyc", made.decode("latin-1"))


def wrapper(host: Planted) -> None:
    """The predecessor: docker is a link to rshell, the shell is bash."""
    account(shell="/bin/bash")(host)
    host.symlink("/usr/local/bin/docker", layout.LAUNCHER)


def direct(host: Planted) -> None:
    """Installed with --boundary direct."""
    from rshell.ctl import launcher

    host.file(layout.LAUNCHER, launcher.text("login"), 0o755)
    host.rights = ""
    for path in (layout.GATE, layout.SUDOERS):
        del host.entries[path]
        del host.contents[path]
    for group in ("docker", "systemd-journal"):
        host.join(USER, group)


FAULTS: dict[str, tuple[Plant, set[str]]] = {
    # accounts
    "no account": (lambda host: host.users.pop(USER), {"account.missing"}),
    "uid 0": (account(uid=0), {"account.uid", "docker.socket"}),
    "two with one uid": (
        lambda host: host.users.update(bob=Account("bob", UID, 1000, "/home/bob", "/bin/sh")), {"account.uid"},
    ),
    "docker group": (lambda host: host.join(USER, "docker"), {"account.group", "docker.socket"}),
    "docker group by number": (account(gid=DOCKER), {"account.group", "docker.socket", "files.modes"}),
    "sudo group": (lambda host: host.join(USER, "sudo"), {"account.group"}),
    "group rshell": (lambda host: host.join(USER, layout.GROUP), {"account.group"}),
    "some group": (lambda host: host.join(USER, "lab"), {"account.other-group"}),
    "empty password": (lambda host: host.secrets.update({USER: ""}), {"account.password-empty"}),
    "password": (lambda host: host.secrets.update({USER: "$y$j9T$x"}), {"account.password"}),
    "another shell": (account(shell="/bin/bash"), {"account.shell"}),
    "wrapper": (wrapper, {"boundary.wrapper"}),
    "shell not listed": (lambda host: host.file(layout.SHELLS, "/bin/sh\n"), {"account.unlisted-shell"}),
    "home of its own": (lambda host: host.chmod(HOME, 0o755, UID, UID), {"home.writable"}),
    "above home writable": (lambda host: host.chmod(layout.HOMES, 0o777), {"home.writable", "files.modes"}),
    "keys in home": (lambda host: host.file(f"{HOME}/.ssh/rc", "id\n"), {"home.files"}),
    "direct": (direct, {"boundary.direct"}),
    "no identity": (lambda host: host.users.pop("rshell-journal"), {"identity.missing"}),
    "identity with a uid of others": (
        lambda host: host.users.update({"rshell-journal": host.users["rshell-journal"].but(uid=1000)}),
        {"identity.uid"},
    ),
    "identity with a shell": (
        lambda host: host.users.update({"rshell-docker": host.users["rshell-docker"].but(shell="/bin/sh")}),
        {"identity.login"},
    ),
    "identity with a password": (lambda host: host.secrets.update({"rshell-docker": "$y$"}), {"identity.login"}),
    "journal identity in docker": (lambda host: host.join("rshell-journal", "docker"), {"identity.groups"}),
    "docker identity not in docker": (lambda host: host.members.update(docker=(DOCKER, ())), {"identity.lacks"}),
    "somebody else in our group": (lambda host: host.join("alice", layout.GROUP), {"group.members"}),
    # sudo and other ways up
    "sudo for all": (right("ALL", "ALL"), {"sudo.rights"}),
    "sudo for the gate as anybody": (right(f'{layout.GATE} ""', "ALL"), {"sudo.rights"}),
    "sudo for the gate with any words": (right(layout.GATE), {"sudo.rights"}),
    "sudo for the gate with an environment": (
        right(f'{layout.GATE} ""', options="setenv, !authenticate"), {"sudo.rights"},
    ),
    "sudo that asks": (
        lambda host: setattr(host, "rights", host.rights.replace("!authenticate", "authenticate")),
        {"sudo.rights", "sudo.gate"},
    ),
    "no sudo": (lambda host: setattr(host, "rights", ""), {"sudo.gate"}),
    "sudo that closes descriptors": (
        lambda host: setattr(host, "settings", host.settings.replace("closefrom_override, ", "")), {"sudo.settings"},
    ),
    "a later sudo setting": (
        lambda host: setattr(host, "settings", host.settings + f"Defaults!{layout.GATE} use_pty\n"), {"sudo.settings"},
    ),
    "doas": (lambda host: host.file("/etc/doas.conf", f"permit nopass {USER} as root\n"), {"doas.rights"}),
    "doas for a group": (lambda host: host.file("/etc/doas.conf", f"permit :{USER} cmd id\n"), {"doas.rights"}),
    "polkit": (
        lambda host: host.file("/etc/polkit-1/rules.d/1.rules", f'if (subject.user == "{USER}") return "yes";'),
        {"polkit.rules"},
    ),
    "pam permits": (lambda host: host.file("/etc/pam.d/su", "auth sufficient pam_permit.so\n"), {"pam.trust"}),
    "pam trusts a group": (
        lambda host: host.file("/etc/pam.d/su", "auth sufficient pam_wheel.so trust\n"), {"pam.trust"},
    ),
    "pam runs a program": (
        lambda host: (
            host.file("/opt/hook", "", 0o777), host.file("/etc/pam.d/sshd", "session optional pam_exec.so /opt/hook\n"),
        ),
        {"pam.program"},
    ),
    "LD_PRELOAD": (lambda host: host.file("/etc/environment", "LD_PRELOAD=/x.so\n"), {"login.environment"}),
    "crontab": (lambda host: host.file(f"/var/spool/cron/crontabs/{USER}", "* * * * * id"), {"account.jobs"}),
    "cron.d": (lambda host: host.file("/etc/cron.d/x", f"* * * * * {USER} id\n"), {"account.jobs"}),
    "at": (lambda host: host.file("/var/spool/cron/atjobs/a01", "", 0o700, UID), {"account.jobs"}),
    "linger": (lambda host: host.file(f"/var/lib/systemd/linger/{USER}", ""), {"account.jobs"}),
    "a stray process": (process("/usr/bin/tmux"), {"account.processes"}),
    # sshd
    "dropbear": (process("/usr/sbin/dropbear", uid=0), {"sshd.other"}),
    "forwarding": (with_sshd("allowtcpforwarding yes"), {"sshd.forwarding"}),
    "forwarding of sockets, from one address": (
        with_sshd("allowstreamlocalforwarding yes", addr="10.0.0.7"), {"sshd.forwarding"},
    ),
    "no forced command": (with_sshd("forcecommand none"), {"sshd.command"}),
    "internal-sftp": (with_sshd("forcecommand internal-sftp"), {"sshd.command"}),
    "environment": (with_sshd("acceptenv LD_*"), {"sshd.environment"}),
    "environment of the user": (with_sshd("permituserenvironment yes"), {"sshd.environment"}),
    "environment set": (with_sshd("setenv PYTHONHOME=/tmp"), {"sshd.environment"}),
    "rc": (with_sshd("permituserrc yes"), {"sshd.rc"}),
    "passwords": (with_sshd("passwordauthentication yes"), {"sshd.password"}),
    "not strict": (with_sshd("strictmodes no"), {"sshd.strict"}),
    "keys in its home": (
        lambda host: (with_sshd("authorizedkeysfile .ssh/authorized_keys")(host), host.chmod(HOME, 0o755, UID, UID)),
        {"sshd.keys", "home.writable"},
    ),
    "keys that it can write": (
        lambda host: host.chmod(f"{layout.KEYS}/{USER}", 0o644, UID), {"sshd.keys", "files.writable"},
    ),
    "keys of a program": (with_sshd("authorizedkeyscommand /usr/bin/ldap"), {"sshd.keys-elsewhere"}),
    "keys of a program that others can write": (
        lambda host: (with_sshd("authorizedkeyscommand /opt/keys")(host), host.file("/opt/keys", "", 0o777)),
        {"sshd.keys-elsewhere", "sshd.keys"},
    ),
    "key with options": (
        lambda host: host.file(f"{layout.KEYS}/{USER}", f'environment="X=1" {KEY}\n'), {"sshd.key-options"},
    ),
    "key of root's too": (lambda host: host.file("/root/.ssh/authorized_keys", f"{KEY}\n"), {"sshd.shared-key"}),
    # files
    "no launcher": (lambda host: (host.entries.pop(layout.LAUNCHER), host.contents.pop(layout.LAUNCHER)),
                    {"launcher.missing"}),
    "launcher changed": (
        lambda host: host.file(layout.LAUNCHER, host.contents[layout.LAUNCHER].replace("-ISXutf8", "-I"), 0o755),
        {"launcher.content"},
    ),
    "gate changed": (
        lambda host: host.file(layout.GATE, host.contents[layout.GATE] + "x\n", 0o755), {"launcher.content"},
    ),
    "rshellctl changed": (lambda host: host.file(layout.CTL, "#!/usr/bin/python3\n", 0o755), {"launcher.ctl"}),
    "python gone": (lambda host: host.entries.pop(PYTHON), {"python.gone"}),
    "python broken": (lambda host: setattr(host, "python_runs", False), {"python.gone"}),
    "python set-uid": (lambda host: host.chmod(PYTHON, 0o4755), {"python.privileged"}),
    "python capable": (
        lambda host: host.attributes.update({(PYTHON, "security.capability"): b"x"}), {"python.privileged"},
    ),
    "library writable": (lambda host: host.file(f"{LIBRARY}/x.so", "", 0o666), {"files.writable"}),
    "passwd writable": (lambda host: host.chmod("/etc/passwd", 0o666), {"files.writable"}),
    "sudoers.d writable": (lambda host: host.directory("/etc/sudoers.d", 0o777), {"files.writable"}),
    "preloaded library writable": (
        lambda host: (host.file("/etc/ld.so.preload", "/opt/x.so\n"), host.file("/opt/x.so", "", 0o666)),
        {"files.writable"},
    ),
    "stop markers writable": (lambda host: host.chmod(layout.STOPPED, 0o777), {"files.modes"}),
    "records readable": (lambda host: host.chmod(layout.LOGS, 0o755), {"files.modes"}),
    "no slots": (lambda host: host.entries.pop(layout.SLOTS), {"files.missing"}),
    "not compiled": (pyc, {"files.pyc"}),
    # policy
    "no policy": (lambda host: setattr(host, "opened", Opened(None, "policy.missing", "none")), {"policy.missing"}),
    "policy writable": (
        lambda host: setattr(host, "opened", Opened(None, "policy.untrusted", "x")), {"policy.untrusted"},
    ),
    "policy broken": (lambda host: setattr(host, "opened", Opened(None, "policy.broken", "x")), {"policy.broken"}),
    "policy not compiled": (lambda host: setattr(host, "opened", host.opened.but(slow=True)), {"policy.uncompiled"}),
    "no role": (with_policy("version: 1\ngrants: {}\nroles: {}\naudit: {file: /var/log/rshell/audit.jsonl}"),
                {"policy.role", "group.members"}),
    # docker
    "socket for all": (lambda host: host.chmod("/var/run/docker.sock", 0o666, gid=DOCKER), {"docker.socket"}),
    "another engine": (lambda host: host.file("/run/podman/podman.sock", "", SOCKET | 0o666), {"docker.socket"}),
    "a socket somewhere": (
        lambda host: (
            host.file("/srv/x/docker.sock", "", SOCKET | 0o666),
            host.file("/proc/net/unix", "Num Path\n0: 2 0 10000 1 1 99 /srv/x/docker.sock\n"),
        ),
        {"docker.socket"},
    ),
    "tcp listener": (
        lambda host: host.file("/proc/net/tcp", "head\n 0: 0100007F:0947 00000000:0000 0A 0\n"), {"docker.tcp"},
    ),
    "tcp in daemon.json": (
        lambda host: host.file("/etc/docker/daemon.json", '{"hosts": ["tcp://0.0.0.0:4711"]}'), {"docker.tcp"},
    ),
    "dockerd -H tcp": (process("/usr/bin/dockerd", "dockerd", "-H", "tcp://127.0.0.1:9", uid=0), {"docker.tcp"}),
    "a container with the socket": (
        lambda host: host.running_containers.append(
            {"Names": ["/agent"], "Mounts": [{"Source": "/var/run/docker.sock"}]}
        ),
        {"docker.held-socket"},
    ),
    "docker configured": (lambda host: host.file(f"{layout.DOCKER_CONFIG}/config.json", "{}"), {"docker.config"}),
    "old docker": (lambda host: host.versions.update(docker="Docker version 19.03.1, build x"), {"docker.version"}),
    "new compose": (lambda host: host.versions.update({"docker-compose": "99.0.0"}), {"docker.version"}),
    "no compose": (lambda host: host.programs.pop("docker-compose"), {"docker.missing"}),
    # records
    "records not required": (shipped("required: true", "required: false"), {"records.none"}),
    "nobody listens": (lambda host: setattr(host, "log", False), {"records.log"}),
    "disk full": (lambda host: setattr(host, "free", 1 << 20), {"records.space"}),
    "logrotate": (
        lambda host: host.file(layout.LOGROTATE, host.contents[layout.LOGROTATE].replace("0660", "0600")),
        {"records.rotation"},
    ),
    "stopped": (lambda host: host.file(f"{layout.STOPPED}/{UID}", "odd lines\n"), {"stopped"}),
    "legacy TIOCSTI": (lambda host: host.file("/proc/sys/dev/tty/legacy_tiocsti", "1\n"), {"kernel.tiocsti"}),
    "links": (lambda host: host.file("/proc/sys/fs/protected_symlinks", "0\n"), {"kernel.links"}),
}  # fmt: skip


def test_a_clean_host_is_silent() -> None:
    site = survey(Planted(), None)
    assert [scene.name for scene in site.scenes] == [USER]
    assert examine(site) == []
    assert as_text(site, [], False, False) == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_and_nothing_else(fault: str) -> None:
    plant, expected = FAULTS[fault]
    host = Planted()
    plant(host)
    assert judged(host) == expected


ONLY_REAL = {"sudo.unreadable", "sshd.unreadable", "identity.sudo"}


def test_every_code_is_planted() -> None:
    planted = {code for _, expected in FAULTS.values() for code in expected}
    assert planted | ONLY_REAL == {code for code in CODES if not code.startswith("probe.")}


def test_every_finding_says_what_to_do_in_ascii() -> None:
    for plant, _ in FAULTS.values():
        host = Planted()
        plant(host)
        for finding in examine(survey(host, None)):
            assert finding.fix, finding
            assert finding.what.isascii()
            assert finding.grade in GRADES


@pytest.mark.parametrize("grade", GRADES)
def test_only_notes_leave_the_boundary_standing(grade: str) -> None:
    code = next(code for code, meaning in CODES.items() if meaning.grade == grade)
    assert holds([found(code, "x", [])]) == (grade == "note")


def test_what_could_not_be_looked_at_is_not_said_to_have_passed() -> None:
    host = Planted()
    FAULTS["no launcher"][0](host)
    FAULTS["policy broken"][0](host)
    site = survey(host, None)
    good = {code for code, _, _ in passed(site, examine(site), False)}
    assert not {code for code in good if code.startswith(("launcher.", "files.", "policy.", "records.", "sudo."))}
    assert "account.group" in good


def test_the_json_tells_everything() -> None:
    host = Planted()
    host.join(USER, "docker")
    site = survey(host, None)
    report = json.loads(as_json(site, examine(site), False, False))
    assert (report["version"], report["holds"], report["users"]) == (1, False, [USER])
    assert {key for one in report["findings"] for key in one} == {"code", "severity", "user", "what", "evidence", "fix"}
    assert {one["code"] for one in report["findings"]} == {"account.group", "docker.socket"}
    named = {one["code"] for one in report["passed"]} | {"account.group", "docker.socket"}
    assert named == {code for code in CODES if not code.startswith("probe.")}


def test_what_others_have_written_is_shown_without_its_control_characters() -> None:
    finding = found("stopped", "it is stopped: \x1b[2J", ["\u202e"], "rshellctl resume x")
    assert as_text(survey(Planted(), None), [finding], False, False) == (
        "note: stopped: it is stopped: \\x1b[2J\n  \\u202e\n  fix: rshellctl resume x\n"
    )


def test_any_account_can_be_asked_for() -> None:
    assert {"account.group", "account.shell", "policy.role"} <= judged(Planted(), "alice")


def test_nobody_can_not_be_asked_for() -> None:
    with pytest.raises(Stop, match="no user nobody-here"):
        survey(Planted(), "nobody-here")


def test_whoever_has_our_shell_is_judged_though_no_policy_names_him() -> None:
    host = Planted()
    host.users["bob"] = Account("bob", 1007, 1007, HOME, layout.LAUNCHER)
    host.secrets["bob"] = "*"
    assert {scene.name for scene in survey(host, None).scenes} == {USER, "bob"}
    assert "policy.role" in judged(host)


@pytest.mark.parametrize(
    ("words", "parent"),
    [(("python", "-ISXutf8", layout.LAUNCHER, "-c", "docker ps"), 1), (("sshd: ai-worker@notty",), 1)],
)
def test_what_a_session_runs_is_no_stray_process(words: tuple[str, ...], parent: int) -> None:
    host = Planted()
    program = "/usr/sbin/sshd" if words[0].startswith("sshd") else "/usr/bin/python3.11"
    host.running = [
        Process(10, parent, UID, program, words), Process(11, 10, UID, "/usr/bin/grep", ("grep", "x")),
    ]  # fmt: skip
    assert judged(host) == set()


# -- paths ------------------------------------------------------------------------------


def test_a_link_is_followed_and_each_step_judged() -> None:
    host = Planted()
    host.directory("/srv/open", 0o777)
    host.file("/srv/open/real", "")
    host.symlink("/etc/link", "../srv/open/real")
    assert paths.walk(host, "/etc/link").end == "/srv/open/real"
    assert paths.changeable(host, "/etc/link") == ["drwxrwxrwx root root /srv/open"]


def test_links_in_a_circle_lead_nowhere() -> None:
    host = Planted()
    host.symlink("/etc/a", "b")
    host.symlink("/etc/b", "a")
    assert paths.walk(host, "/etc/a").end == ""


def test_in_a_sticky_directory_an_entry_of_root_is_safe() -> None:
    host = Planted()
    host.directory("/tmp", 0o1777)
    host.file("/tmp/root", "")
    host.file("/tmp/own", "", uid=UID)
    assert paths.changeable(host, "/tmp/root") == []
    assert paths.changeable(host, "/tmp/own") == ["-rw-r--r-- ai-worker root /tmp/own"]


def access_list(*entries: tuple[int, int, int]) -> bytes:
    """An access list as the kernel keeps it: tag, permissions, who."""
    return (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + may.to_bytes(2, "little") + who.to_bytes(4, "little") for tag, may, who in entries
    )


@pytest.mark.parametrize(
    ("mode", "entries", "opens"),
    [
        (0o660, (), False),
        (0o662, (), True),
        (0o660, ((2, 6, UID),), True),
        (0o660, ((8, 6, UID),), True),  # the group of its own
        (0o660, ((2, 4, UID),), False),
        (0o640, ((2, 6, UID),), False),  # the mask
        (0o660, ((2, 6, 1000),), False),
    ],
)
def test_a_socket_opens_by_its_mode_or_by_its_access_list(
    mode: int, entries: tuple[tuple[int, int, int], ...], opens: bool
) -> None:
    host = Planted()
    host.file("/srv/docker.sock", "", SOCKET | mode, gid=DOCKER)
    if entries:
        host.attributes["/srv/docker.sock", paths.ACCESS_LIST] = access_list(*entries)
    assert paths.can_open(host, host.users[USER], "/srv/docker.sock") is opens


def test_a_socket_behind_a_closed_directory_does_not_open() -> None:
    host = Planted()
    host.directory("/srv/closed", 0o700)
    host.file("/srv/closed/docker.sock", "", SOCKET | 0o666)
    assert not paths.can_open(host, host.users[USER], "/srv/closed/docker.sock")
    assert stat.S_ISSOCK(host.entries["/srv/closed/docker.sock"].mode)


# -- what others print -------------------------------------------------------------------


def test_the_long_list_of_sudo_is_read() -> None:
    text = (
        "Matching Defaults entries for u on h:\n    env_reset\n\nUser u may run the following commands on h:\n\n"
        "Sudoers entry:\n    RunAsUsers: a, b\n    RunAsGroups: ALL\n    Options: setenv, !authenticate\n"
        '    Commands:\n\t/x/gate ""\n\t/bin/ls /a, /b\n\nSudoers entry:\n    RunAsUsers: root\n    Commands:\n\tALL\n'
    )
    assert sudo.rights(text) == [
        sudo.Right(("a", "b"), ("ALL",), ("setenv", "!authenticate"), ('/x/gate ""', "/bin/ls /a, /b")),
        sudo.Right(("root",), (), (), ("ALL",)),
    ]


def test_a_later_setting_of_sudo_takes_an_earlier_one_back() -> None:
    text = (
        "Matching Defaults entries for u on h:\n    use_pty\n\nRunas and Command-specific defaults for u:\n"
        "    Defaults!/x/gate closefrom_override, !use_pty,\n    !pam_session\n    Defaults!/y a\n"
        "    Defaults!ALL use_pty\n\nUser u may run:\n"
    )
    assert sudo.settings(text, "/x/gate") == {"closefrom_override", "use_pty", "!pam_session"}


def test_sshd_is_asked_from_wherever_its_configuration_speaks_of() -> None:
    host = Planted()
    host.file(
        f"{layout.SSHD_DIRECTORY}/x.conf",
        "Port 2022\nMatch Address 172.16.0.0/12,!10.9.*\nMatch Host *.lan.example LocalPort 23\n"
        "# Match Address 1.1.1.1\nMatch LocalAddress 192.0.2.1\n",
    )
    asked = sshd.callers(host, layout.SSHD_CONFIG)
    assert {address for _, address, _, _ in asked} >= {"172.16.0.0", "10.9.1", "127.0.0.1", "::1"}
    assert {name for name, _, _, _ in asked} >= {"x.lan.example"}
    assert {local for _, _, local, _ in asked} == {"127.0.0.1", "192.0.2.1"}
    assert {port for _, _, _, port in asked} == {"22", "2022", "23"}


def test_an_sshd_that_runs_by_another_configuration_is_asked_too() -> None:
    host = Planted()
    title = "sshd: /usr/sbin/sshd -D -f /srv/other -o PermitTunnel=yes [listener] 0 of 10-100 startups"
    host.running = [Process(7, 1, 0, "/usr/sbin/sshd", tuple(title.split()))]
    assert sshd.servers(host) == [
        sshd.Server((), layout.SSHD_CONFIG),
        sshd.Server(("-f", "/srv/other", "-o", "PermitTunnel=yes"), "/srv/other"),
    ]


def test_the_tokens_of_authorizedkeysfile_are_filled_in() -> None:
    said = sshd.Said("", {"authorizedkeysfile": (".ssh/keys", "/k/%u/%U", "%h/x%%", "none")})
    assert keys.files_of(Account("u", 7, 7, "/h", ""), said) == ["/h/.ssh/keys", "/k/u/7", "/h/x%"]


def test_the_versions_are_those_of_the_grammars() -> None:
    assert docker.ranges()["docker"] == ((20, 10), (29, 0))
    assert docker.ranges()["docker compose"] == ((2, 20), (5, 0))
