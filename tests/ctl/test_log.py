"""Reading the records: joined, attested, filtered, followed, shown."""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rshell.ctl import log, sources
from rshell.ctl.main import main
from rshell.ctl.policies import Stop
from rshell.ctl.records import Filter, Join, is_attested, moment, parse
from rshell.ctl.sources import AuditFile, Journal
from rshell.ctl.system import Answer
from rshell.ctl.times import point
from rshell.host import layout
from rshell.lean import to_json

POLICY = """\
version: 1
identities: {docker: nobody}
roles: {r: {users: [ann], grants: [g]}}
grants: {g: {commands: {docker ps: []}}}
audit: {file: FILE}
"""


def record(event: str, second: int = 0, witness: str = "gate", **fields: Any) -> dict[str, Any]:
    """A record of ann's, written in some second of a minute."""
    return {
        "v": 1, "time": f"2026-11-23T10:00:{second:02}.000000Z", "event": event, "uid": 1000, "user": "ann",
        "login_uid": None, "role": "r", "source": "10.0.0.1", "tty": "", "pid": 7, "mode": "c", "session": "abc",
        "policy": "0" * 16, "witness": witness, **fields,
    }  # fmt: skip


START = record("start", 1, id="abc-1", raw="docker ps", verdict="allow", argv=["/usr/bin/docker"], run_as="nobody")
END = record("end", 3, id="abc-1", status=0, ms=2000)
REFUSE = record("refuse", 2, "self", raw="docker exec x", verdict="refuse", code="docker.exec")


# -- one record -----------------------------------------------------------------------------


@pytest.mark.parametrize("one", [START, END, REFUSE, record("unavailable", code="x", message="y", user=None)])
def test_a_record_is_read_as_it_was_written(one: dict[str, Any]) -> None:
    assert parse(to_json(one)) == one


WHOLE = to_json(START)


@pytest.mark.parametrize("text", [
    "", "{", WHOLE[:-1], WHOLE[1:], WHOLE + WHOLE, "[]", "1", "null", f"[{WHOLE}]", "[" * 100_000,
    WHOLE.replace('"v": 1', '"v": 2'), WHOLE.replace('"v": 1', '"v": true'), WHOLE.replace('"v": 1', '"v": 1.0'),
    WHOLE.replace('"uid": 1000', '"uid": "1000"'), WHOLE.replace('"uid": 1000', '"uid": NaN'),
    WHOLE.replace('"uid": 1000', '"uid": 1000, "uid": 0'), WHOLE.replace('"uid": 1000, ', ""),
    WHOLE.replace('"start"', '"begin"'), WHOLE.replace('"ann"', "[]"), WHOLE.replace('"gate"', "null"),
    WHOLE.replace("10:00:01", "25:00:01"), WHOLE.replace(".000000Z", "Z"), WHOLE.replace(".000000Z", ".000000"),
    WHOLE.replace('"login_uid": null', '"login_uid": 1e999'),
])  # fmt: skip
def test_what_is_no_record_is_told_from_one(text: str) -> None:
    assert text != WHOLE
    assert parse(text) is None


KEYS = st.sampled_from([*START]) | st.text()
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=30,
)  # fmt: skip


@given(ANYTHING)
def test_whatever_is_taken_for_a_record_can_be_shown(value: object) -> None:
    for made in (value, {**START, **value} if isinstance(value, dict) else START):
        read = parse(json.dumps(made))
        if read is not None:
            line = log.table(Join().add(read, None))
            assert line.isascii()
            assert line.isprintable()


# -- who attests it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sender", "attested"),
    [
        ({"witness": "self"}, 1000, True),
        ({"witness": "self"}, 1001, False),
        ({"witness": "self"}, 0, False),
        ({"witness": "self", "user": "root"}, 1000, False),
        ({"witness": "self", "user": None}, 1000, True),
        ({"witness": "self", "uid": 1002, "user": "gone"}, 1002, True),
        ({"witness": "gate"}, 0, True),
        ({"witness": "gate"}, 65534, True),
        ({"witness": "gate"}, 1000, False),
        ({"witness": "god"}, 0, False),
    ],
)
def test_a_claim_holds_if_the_journal_says_the_same(changes: dict[str, Any], sender: int, attested: bool) -> None:
    names = {1000: "ann", 1001: "bob", 0: "root"}
    assert is_attested({**START, **changes}, sender, {0, 65534}, lambda uid: names.get(uid, "")) is attested


# -- joined -----------------------------------------------------------------------------------


def joined(*records: tuple[dict[str, Any], bool | None]) -> list[dict[str, Any]]:
    """The rows that records make, one after the other."""
    join = Join()
    rows: dict[int, dict[str, Any]] = {}
    for one, attested in records:
        row = join.add(one, attested)
        rows[id(row)] = row
    return list(rows.values())


WHOLE_ROW = {**START, "attested": True, "ended": END["time"], "status": 0, "ms": 2000}


def test_a_start_and_its_end_are_one_row_in_either_order() -> None:
    assert joined((START, True), (END, True)) == [WHOLE_ROW]
    assert joined((END, True), (START, True)) == [WHOLE_ROW]


@given(st.permutations([(command, record) for command in range(4) for record in (START, END)]))
def test_commands_are_joined_in_whatever_order_their_records_come(order: list[tuple[int, dict[str, Any]]]) -> None:
    rows = joined(*(({**one, "id": f"abc-{command}"}, True) for command, one in order))
    rows.sort(key=lambda row: str(row["id"]))
    assert rows == [{**WHOLE_ROW, "id": f"abc-{command}"} for command in range(4)]


def test_a_start_without_an_end_is_a_row_that_has_not_ended() -> None:
    assert joined((START, None)) == [{**START, "attested": None, "ended": None}]


def test_an_end_without_a_start_is_a_row_too() -> None:
    assert joined((END, True)) == [{**END, "attested": True, "ended": END["time"]}]


@pytest.mark.parametrize("other", [
    ({**END, "witness": "self"}, True), ({**END, "pid": 8}, True), ({**END, "uid": 1001}, True), (END, False),
    ({**END, "id": "abc-2"}, True), ({**END, "session": "abd"}, True),
])  # fmt: skip
def test_nobody_ends_a_command_of_another(other: tuple[dict[str, Any], bool]) -> None:
    assert len(joined((START, True), other)) == 2
    assert joined((START, True), other, (END, True))[0] == WHOLE_ROW


# -- wanted -------------------------------------------------------------------------------------

ALL = [record("open", 0), {**START, "ended": None}, REFUSE, record("builtin", 4, raw="echo"), record("close", 5)]


@pytest.mark.parametrize(
    ("wanted", "events"),
    [
        (Filter(), ["open", "start", "refuse", "builtin", "close"]),
        (Filter(user="ann"), ["open", "start", "refuse", "builtin", "close"]),
        (Filter(user="1000"), ["open", "start", "refuse", "builtin", "close"]),
        (Filter(user="an"), []),
        (Filter(verdict="allow"), ["start", "builtin"]),
        (Filter(verdict="refuse"), ["refuse"]),
        (Filter(code="docker.*"), ["refuse"]),
        (Filter(code="docker"), []),
        (Filter(code="*"), ["open", "start", "refuse", "builtin", "close"]),
        (Filter(session="abc"), ["open", "start", "refuse", "builtin", "close"]),
        (Filter(session="ab"), []),
        (Filter(since=moment(REFUSE)), ["refuse", "builtin", "close"]),
        (Filter(until=moment(REFUSE)), ["open", "start"]),
    ],
)
def test_a_filter_takes_what_it_names(wanted: Filter, events: list[str]) -> None:
    assert [row["event"] for row in ALL if wanted.takes(row)] == events


NOW = datetime(2026, 11, 23, 12, 30, 15, 5, timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-22", (2026, 11, 21, 22)),
        ("2026-11-22 09:05", (2026, 11, 22, 7, 5)),
        ("2026-11-22T09:05:06", (2026, 11, 22, 7, 5, 6)),
        ("10:00", (2026, 11, 23, 8)),
        ("10:00:07", (2026, 11, 23, 8, 0, 7)),
        ("90s", (2026, 11, 23, 10, 28, 45, 5)),
        ("30m", (2026, 11, 23, 10, 0, 15, 5)),
        ("1h", (2026, 11, 23, 9, 30, 15, 5)),
        ("2d", (2026, 11, 21, 10, 30, 15, 5)),
        ("0s", (2026, 11, 23, 10, 30, 15, 5)),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, meant: tuple[int, ...]) -> None:
    assert point(text, NOW) == datetime(*meant, tzinfo=UTC).timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "h", "-1h", "1y", "25:00", "2026-13-01", "1.5h", "\u0661h", "9" * 12 + "d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected 2026-11-23"):
        point(text, NOW)


# -- the file ------------------------------------------------------------------------------------


class Reading(AuditFile):
    """A file that is closed with its test."""

    def __init__(self, path: Path, since: float = 0) -> None:
        super().__init__(str(path), since)

    def __del__(self) -> None:
        self.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the gate writes."""
    return tmp_path / "audit.jsonl"


def written(path: Path, *records: dict[str, Any]) -> None:
    """Append records to a file."""
    with path.open("a") as to:
        to.write("".join(to_json(one) + "\n" for one in records))


def events(found: sources.Found) -> list[tuple[str, str]]:
    """What was found: event and second."""
    return [(one["event"], one["time"][17:19]) for _, one, _ in found]


def test_rotated_files_are_read_before_the_file(file: Path) -> None:
    with gzip.open(f"{file}.2.gz", "wt") as oldest:
        oldest.write(to_json(record("open", 0)) + "\n")
    written(file.with_name("audit.jsonl.1"), START)
    os.utime(f"{file}.2.gz", (1, 1))
    written(file, END)
    assert events(Reading(file).read()) == [("open", "00"), ("start", "01"), ("end", "03")]
    assert events(Reading(file, time.time() - 60).read()) == [("start", "01"), ("end", "03")]


def test_what_is_no_record_is_skipped_and_counted(file: Path) -> None:
    file.write_bytes(b'{"torn\n' + to_json(START).encode() + b"\n\xff\x00\n" + b"x" * (3 << 20) + b"\n")
    Path(f"{file}.1.gz").write_bytes(gzip.compress(b"{}")[:-3])
    written(file, END)
    source = Reading(file)
    assert events(source.read()) == [("start", "01"), ("end", "03")]
    assert source.skipped == 2 + 4 + 1


def test_a_file_that_is_not_there_holds_nothing_yet(file: Path) -> None:
    source = Reading(file)
    assert source.read() == []
    written(file, START)
    assert events(source.read()) == [("start", "01")]


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_nothing_but_a_regular_file_is_read(file: Path, kind: str) -> None:
    {"link": lambda: file.symlink_to("/etc/passwd"), "pipe": lambda: os.mkfifo(file), "directory": file.mkdir}[kind]()
    with pytest.raises(Stop):
        Reading(file).read()


def test_only_the_gate_is_believed_and_only_in_a_file_that_nobody_else_writes(file: Path) -> None:
    written(file, START, REFUSE)
    file.chmod(0o660)
    ours = True if os.getuid() == 0 else None
    assert [attested for *_, attested in Reading(file).read()] == [ours, None]
    file.chmod(0o666)
    assert [attested for *_, attested in Reading(file).read()] == [None, None]


def test_a_file_is_followed_when_it_grows_is_rotated_and_is_cut(file: Path) -> None:
    written(file, record("open", 0))
    source = Reading(file)
    assert events(source.read()) == [("open", "00")]
    assert source.read() == []
    text = to_json(START)
    with file.open("a") as to:
        to.write(text[:20])
    assert source.read() == []
    with file.open("a") as to:
        to.write(text[20:] + "\n")
    assert events(source.read()) == [("start", "01")]
    written(file, REFUSE)
    file.rename(file.with_name("audit.jsonl.1"))
    assert events(source.read()) == [("refuse", "02")]
    written(file, END)
    assert events(source.read()) == [("end", "03")]
    file.write_text("")
    assert source.read() == []
    written(file, record("close", 6))
    assert events(source.read()) == [("close", "06")]


def test_only_the_newest_records_are_held(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST", 2)
    written(file, START, REFUSE, END)
    source = Reading(file)
    assert (events(source.read()), source.cut) == ([("refuse", "02"), ("end", "03")], True)


# -- the journal -----------------------------------------------------------------------------------


class Entries:
    """A journalctl: what it is asked, and what it says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.entries: list[str] = []
        self.fails = ""

    def add(self, message: object, sender: object = 1000) -> None:
        """Add an entry."""
        uid = {} if sender is None else {"_UID": str(sender)}
        self.entries.append(json.dumps({"MESSAGE": message, "__CURSOR": f"c{len(self.entries)}", **uid}))

    def __call__(self, name: str, *words: str) -> Answer:
        """Answer as journalctl does."""
        self.asked.append(words[words.index("rshell") + 2 :])
        after = [int(word.removeprefix("--after-cursor=c")) + 1 for word in words if "cursor" in word]
        entries = self.entries[after[0] if after else 0 :]
        return Answer(1, "", self.fails + "\n") if self.fails else Answer(0, "".join(f"{one}\n" for one in entries), "")


@pytest.fixture
def journalctl(monkeypatch: pytest.MonkeyPatch) -> Entries:
    """The journal of this test."""
    made = Entries()
    monkeypatch.setattr(sources, "ask", made)
    monkeypatch.setattr(sources, "account_name", {1000: "ann"}.get)
    return made


def test_the_journal_is_read_from_where_it_was_left(journalctl: Entries) -> None:
    journalctl.add(to_json(REFUSE))
    journal = Journal(100.5, {0})
    assert events(journal.read()) == [("refuse", "02")]
    assert journal.read() == []
    journalctl.add(to_json(START), 0)
    assert [attested for *_, attested in journal.read()] == [True]
    assert journalctl.asked == [(f"--{which}", "--lines=50000") for which in (
        "since=@100", "after-cursor=c0", "after-cursor=c0",
    )]  # fmt: skip


def test_entries_of_others_under_our_name_are_skipped_and_counted(journalctl: Entries) -> None:
    for message in ("hello", None, [1, 2], to_json(START)[:-1], 7):
        journalctl.add(message)
    journalctl.add(to_json(START), None)
    journalctl.entries.append("rubbish")
    journal = Journal(0, {0})
    assert (journal.read(), journal.skipped) == ([], 7)


# -- all together ------------------------------------------------------------------------------------


@pytest.fixture
def records(host: Path, journalctl: Entries, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with a policy, whose gate's file this is."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    path = Path(layout.LOGS) / "audit.jsonl"
    path.parent.mkdir(parents=True)
    Path(layout.ETC).mkdir(parents=True, mode=0o755)
    Path(layout.POLICY).write_text(POLICY.replace("FILE", str(path)))
    return path


HEAD = "TIME                 USER          MODE    VERDICT  STATUS OR CODE               TOOK  LINE\n"


def test_people_get_a_table(records: Path, journalctl: Entries, capsys: pytest.CaptureFixture[str]) -> None:
    written(records, START, END)
    for one, sender in ((START, 65534), (END, 65534), (REFUSE, 1000), ({**START, "pid": 9}, 1000)):
        journalctl.add(to_json(one), sender)
    journalctl.add(to_json(record("unavailable", 4, "self", user=None, mode=None, code="stopped", message="m\x1b[2J")))
    journalctl.add(to_json(record("open", 5, "self")))
    assert main(["log"]) == 0
    assert capsys.readouterr() == (
        HEAD
        + "2026-11-23 10:00:01  ann           c       allow    0                         2000 ms  docker ps\n"
        + "2026-11-23 10:00:01  ann           c       allow    ...                                forged? docker ps\n"
        + "2026-11-23 10:00:02  ann           c       refuse   docker.exec                        docker exec x\n"
        + "2026-11-23 10:00:04  uid 1000              refuse   stopped                            m\\x1b[2J\n"
        + "2026-11-23 10:00:05  ann           c                                                   "
        + "(session abc begins, from 10.0.0.1)\n",
        "",
    )


def test_a_table_is_cut_to_the_terminal(
    records: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written(records, {**START, "raw": "x" * 2000})
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    main(["log"])
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines[1]), lines[1][-9:]) == (100, "xxxxxx...")


def test_programs_get_a_joined_object_a_line(
    records: Path, journalctl: Entries, capsys: pytest.CaptureFixture[str]
) -> None:
    written(records, START, END)
    journalctl.add(to_json(START), 1001)
    journalctl.add(to_json({**REFUSE, "raw": "\udcff"}), 1001)
    assert main(["log", "--json"]) == 0
    said = capsys.readouterr()
    attested = True if os.getuid() == 0 else None
    assert [json.loads(line) for line in said.out.splitlines()] == [
        {**WHOLE_ROW, "attested": attested}, {**REFUSE, "raw": "\udcff", "attested": False},
    ]  # fmt: skip
    assert (said.out.isascii(), said.err) == (True, "")


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        (("-n", "2"), ["04", "05"]),
        (("-n", "all"), ["01", "02", "04", "05"]),
        (("--verdict", "refuse"), ["02"]),
        (("--code", "docker.*"), ["02"]),
        (("--user", "bob"), ["05"]),
        (("--session", "abd"), ["05"]),
        (("--since", "2026-11-23 10:00:02", "--until", "2026-11-23 10:00:05"), ["02", "04"]),
    ],
)
def test_what_is_wanted_is_chosen(
    records: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], seconds: list[str]
) -> None:
    written(records, START, REFUSE, END, record("builtin", 4, raw="echo"), record("open", 5, user="bob", session="abd"))
    assert main(["log", *words]) == 0
    assert [line[17:19] for line in capsys.readouterr().out.splitlines()[1:]] == seconds


def test_what_could_not_be_read_is_told(
    records: Path, journalctl: Entries, capsys: pytest.CaptureFixture[str]
) -> None:
    records.write_text("rubbish\n")
    journalctl.fails = "no journal \x1b files"
    assert main(["log"]) == 0
    assert capsys.readouterr().err == (
        "rshellctl: 1 line skipped that are no records\nrshellctl: the journal was not read: no journal \\x1b files\n"
    )


def test_without_a_policy_nobody_knows_where_the_records_are(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log"]) == 78
    assert capsys.readouterr().err == "rshellctl: no policy is in force: it would say where the records are\n"


def test_following_shows_a_command_when_it_starts_and_when_it_ends(
    records: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [lambda: written(records, START), lambda: None, lambda: written(records, END)]

    def pause(seconds: float) -> None:
        if not looks:
            raise KeyboardInterrupt
        looks.pop(0)()

    monkeypatch.setattr(log.time, "sleep", pause)
    assert main(["log", "-f"]) == 0
    shown = [line[43:].split()[:3] for line in capsys.readouterr().out.splitlines()[1:]]
    assert shown == [["allow", "...", "docker"], ["allow", "0", "2000"]]


@pytest.mark.parametrize("words", [("-n", "0"), ("-n", "x"), ("--since", "then"), ("--verdict", "maybe")])
def test_a_word_that_can_t_be_meant_is_refused(records: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["log", *words])
    assert ended.value.code == 2
