"""completions/update sees every kind of difference, and writes only what is new."""

import os
import subprocess
import sys
import tomllib
from difflib import ndiff
from pathlib import Path

import pytest

from rshell.core.model import Option
from rshell.policy.grammars import load

ROOT = Path(__file__).parents[2]
UPDATE = ROOT / "completions" / "update"
PLACES = ("/usr/bin", "/usr/local/bin", "/run/current-system/sw/bin", "/snap/bin")
FOUND = [path for path in (Path(place) / "docker" for place in PLACES) if os.access(path, os.X_OK)]

# Prints the longest page that it has of what it is asked for, and knows the options of its page, as docker does.
FAKE = """#!{python} -IS
import sys
pages, hidden, version = {pages!r}, {hidden!r}, {version!r}
words = sys.argv[1:]
if words == ["--version"]:
    print("Docker version " + version + ", build 1234567")
    sys.exit()
at = words.index("--help")
words, asked = words[:at], words[at + 1 :]
while " ".join(words) not in pages:
    words.pop()
page = pages[" ".join(words)]
known = dict()
for line in page.splitlines():
    if line.startswith(("      --", "  -")):
        shown = line.strip().split("  ")[0].replace(",", "").split()
        known.update((one, shown[-1][0] != "-") for one in shown if one[0] == "-")
known.update(hidden.get(" ".join(words), dict()))
for one in asked:
    if one not in known:
        sys.exit("unknown flag: " + one)
    if known[one] is None:
        sys.exit("something else")
    if known[one]:
        sys.exit("flag needs an argument: " + one)
print(page)
"""

PAGES = {
    "": """Usage:  docker [OPTIONS] COMMAND

A self-sufficient runtime for containers

Common Commands:
  ps          List containers

Management Commands:
  container   Manage containers

Commands:
  stop        Stop one or more running containers
  wait        Block until one or more containers stop, then print their exit codes

Global Options:
      --config string      Location of client config files (default
                           "/root/.docker")
  -v, --version            Print version information and quit

Run 'docker COMMAND --help' for more information on a command.
""",
    "container": """Usage:  docker container COMMAND

Manage containers

Commands:
  ls          List containers
  stop        Stop one or more running containers
  wait        Block until one or more containers stop, then print their exit codes

Run 'docker container COMMAND --help' for more information on a command.
""",
    "container ls": """Usage:  docker container ls [OPTIONS]

List containers

Aliases:
  docker container ls, docker container list, docker container ps, docker ps

Options:
  -a, --all             Show all containers (default shows just running)
  -f, --filter filter   Filter output based on conditions provided
""",
    "container stop": """Usage:  docker container stop [OPTIONS] CONTAINER [CONTAINER...]

Stop one or more running containers

Aliases:
  docker container stop, docker stop

Options:
  -t, --timeout int     Seconds to wait before killing the container
""",
    "container wait": """Usage:  docker container wait CONTAINER [CONTAINER...]

Block until one or more containers stop, then print their exit codes

Aliases:
  docker container wait, docker wait
""",
}
TWINS = {"ps": "ls", "container ps": "ls", "container list": "ls", "stop": "stop", "wait": "wait"}
Options = dict[str, dict[str, bool | None]]
HIDDEN: Options = {"container stop": {"--time": True}, "stop": {"--time": True}}
BUILD = """Usage:  docker {name} [OPTIONS] PATH | URL | -

Start a build

Aliases:
  docker build, docker image build, docker buildx b

Options:
{options}"""

FILE = """\
# The first comment.
docker:
  about: Docker command line
  parser: pflag
  versions: 20.10 - 29
  options:
    config:  {type: path, about: Location of client config files}
    version: {short: v, about: Print version information and quit}
  groups:
    container: Manage containers
  commands:
    container ls:
      about: List containers
      also: [ps, container ps, container list]
      options:
        all:    {short: a, about: Show all containers}
        # The second comment.
        filter: {short: f, type: filter, many: true, about: Filter output}
        size:   {until: "28.5", about: Display total file sizes}
      operands: none
    container stop:
      about: Stop one or more running containers
      also: [stop]
      options:
        timeout: {short: t, also: [time], type: int, emit: -t, about: Seconds to wait}
      operands: container...
    # The third comment.
    container wait:
      about: Block until one or more containers stop
      also: [wait]
      operands: container...
"""
FILE_WITH_BUILD = (
    FILE.replace("  groups:\n", "  groups:\n    buildx: Docker Buildx\n    image: Manage images\n")
    + """\
    buildx build:
      about: Start a build
      also: [buildx b]
      plugin: buildx
      options:
        push: {about: Push the image}
        tag:  {short: t, type: image, many: true, about: Name of the image}
      operands: text
    image build:
      about: Build an image
      also: [build]
      options:
        push:   {about: Push the image}
        squash: {about: Squash newly built layers}
        tag:    {short: t, type: image, many: true, about: Name of the image}
      operands: text
"""
)

PAUSE = """Usage:  docker {name} [OPTIONS] CONTAINER [CONTAINER...]

Pause processes

Aliases:
  docker container pause, docker pause

Options:
      --for duration    How long: all of it (default 1m0s)
  -n, --note list       A note, "quoted" and so long that it does not fit into the width of a line, nor that of
                        a description; which ends with a full stop.
"""


def docker(place: Path, pages: dict[str, str], version: str = "29.1.0", hidden: Options = HIDDEN) -> Path:
    """Make a docker that knows these pages; those of its other spellings are made of them."""
    every = dict(pages)
    for spelling, name in TWINS.items():
        if f"container {name}" in pages:
            every.setdefault(spelling, pages[f"container {name}"])
    path = place / "docker"
    path.write_text(FAKE.format(python=sys.executable, pages=every, hidden=hidden, version=version))
    path.chmod(0o755)
    return path


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """Return the pages with one of them changed."""
    assert old in PAGES[name]
    return {**PAGES, name: PAGES[name].replace(old, new)}


def without(name: str) -> dict[str, str]:
    """Return the pages of a docker that lacks `docker container NAME` and `docker NAME`."""
    return {
        words: "".join(line for line in page.splitlines(True) if not line.startswith(f"  {name} "))
        for words, page in PAGES.items()
        if words != f"container {name}"
    }


def with_pause() -> dict[str, str]:
    """Return the pages of a docker that has `docker container pause` and `docker pause` too."""
    row = "  pause       Pause processes\n"
    pages = {words: page.replace("  stop  ", f"{row}  stop  ") for words, page in PAGES.items()}
    return {**pages, "pause": PAUSE.format(name="pause"), "container pause": PAUSE.format(name="container pause")}


def update(binary: Path, *options: str | Path) -> tuple[int, list[str]]:
    """Run completions/update without the user's plugins. Returns its status and its lines."""
    kept = {name: value for name, value in os.environ.items() if name != "DOCKER_CONFIG"}
    done = subprocess.run([sys.executable, UPDATE, *options, binary], env=kept, capture_output=True, text=True)
    return done.returncode, [*done.stdout.splitlines(), *done.stderr.splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with a small docker.yaml."""
    directory = tmp_path / "files"
    directory.mkdir()
    (directory / "docker.yaml").write_text(FILE)
    return directory


def lines(files: Path, binary: Path, *options: str) -> tuple[int, list[str]]:
    """Compare with the small docker.yaml. Returns the status and the differences."""
    status, found = update(binary, *options, "--files", files)
    assert found[0].endswith(", docker.yaml has 20.10 - 29")
    return status, [line.strip() for line in found[1:-1]]


def added(files: Path, before: str = FILE) -> list[str]:
    """Return what was put into the file; nothing was taken out."""
    delta = list(ndiff(before.splitlines(), (files / "docker.yaml").read_text().splitlines()))
    assert [line for line in delta if line.startswith("-")] == []
    return [line[2:] for line in delta if line.startswith("+")]


def test_the_same_is_the_same(files: Path, tmp_path: Path) -> None:
    assert update(docker(tmp_path, PAGES), "--files", files) == (
        0,
        [
            "docker 29.1.0, docker.yaml has 20.10 - 29",
            "0 for a person to decide, 0 other differences, 0 not asked",
        ],
    )


ALL = "  -a, --all             Show all containers (default shows just running)\n"
CASES = {
    "a new option": (
        changed("container stop", "  -t,", "  -s, --signal string   Signal to send\n  -t,"),
        (1, ["new option: docker container stop --signal string"]),
    ),
    "a new option of one spelling": (
        {**PAGES, "stop": PAGES["container stop"].replace("  -t,", "  -s, --signal string   Signal to send\n  -t,")},
        (1, ["alias with other options: docker stop (docker container stop)"]),
    ),
    "an option that is gone": (changed("container ls", ALL, ""), (1, ["option gone: docker container ls --all"])),
    "a root option that is gone": (
        changed("", "  -v, --version            Print version information and quit\n", ""),
        (1, ["option gone: docker --version"]),
    ),
    "another short name": (
        changed("container ls", "-a, --all", "-A, --all"),
        (2, ["short name: docker container ls --all: -A here, -a in the file"]),
    ),
    "a short name that is gone": (
        changed("container ls", "-a, --all", "    --all"),
        (2, ["short name: docker container ls --all: none here, -a in the file"]),
    ),
    "a short name that another option has": (
        changed("container ls", "  -f,", "  -a, --any             Any\n  -f,"),
        (2, ["short name: docker container ls --any: it is new, and its -a is another's in the file"]),
    ),
    "a value that was none": (
        changed("container ls", "--all      ", "--all string"),
        (2, ["arity: docker container ls --all: a value here, no value in the file"]),
    ),
    "no value that was one": (
        changed("container ls", "--filter filter", "--filter       "),
        (2, ["arity: docker container ls --filter: no value here, a value in the file"]),
    ),
    "an option beyond its versions": (
        changed("container ls", "  -f,", "      --size            Display total file sizes\n  -f,"),
        (1, ["option outside its since and until: docker container ls --size"]),
    ),
    "a command that is gone": (without("wait"), (1, ["command gone: docker container wait"])),
    "a new alias": (
        changed("container ls", "docker ps\n", "docker ps, docker list\n"),
        (1, ["new alias: docker list (docker container ls)"]),
    ),
    "an alias of another command": (
        changed("container wait", "docker wait\n", "docker wait, docker stop\n"),
        (1, ["new alias: docker stop (docker container wait, in the file it is docker container stop)"]),
    ),
    "an alias that is gone": (
        {**PAGES, "stop": PAGES[""]},
        (1, ["alias gone: docker stop (docker container stop)"]),
    ),
    "a new command": (with_pause(), (1, ["new command: docker container pause"])),
    "a plugin": (
        changed("", "Commands:\n  stop ", "Commands:\n  scout*      Docker Scout\n  stop "),
        (0, ["not asked, a plugin that the files do not know:", "docker scout"]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_difference_is_reported(name: str, files: Path, tmp_path: Path) -> None:
    pages, expected = CASES[name]
    assert lines(files, docker(tmp_path, pages)) == expected


def test_what_the_page_hides_the_parser_is_asked_for(files: Path, tmp_path: Path) -> None:
    pages = changed("container stop", "  -t, --timeout int     Seconds to wait before killing the container\n", "")
    hidden: Options
    hidden = {words: {"--timeout": True, "--time": True, "-t": True} for words in ("container stop", "stop")}
    assert lines(files, docker(tmp_path, pages, hidden=hidden)) == (0, [])
    hidden["container stop"] = {"--timeout": False, "--time": True}
    assert lines(files, docker(tmp_path, pages, hidden=hidden)) == (
        2,
        [
            "arity: docker container stop --timeout: no value here, a value in the file",
            "short name: docker container stop --timeout: none here, -t in the file",
        ],
    )


def test_a_word_behind_a_boolean_makes_no_value_of_it(files: Path, tmp_path: Path) -> None:
    hidden: Options = {**HIDDEN, "container ls": {"--all": False}}
    pages = changed("container ls", "--all      ", "--all thing")
    assert lines(files, docker(tmp_path, pages, hidden=hidden)) == (0, [])


def test_an_answer_of_the_parser_that_is_not_understood_writes_nothing(files: Path, tmp_path: Path) -> None:
    hidden: Options = {**HIDDEN, "container wait": {"--until": None}}
    pages = {**PAGES, "container wait": PAGES["container wait"] + "\nOptions:\n      --until strings   Wait until\n"}
    assert lines(files, docker(tmp_path, pages, hidden=hidden), "--write") == (
        1,
        ["the parser's answer is not understood: docker container wait --until"],
    )
    assert (files / "docker.yaml").read_text() == FILE


def test_a_group_that_a_plugin_takes_over_has_aliases_of_its_commands(files: Path, tmp_path: Path) -> None:
    pages = changed("", "  container ", "  box         Manage boxes\n  container ")
    pages["box"] = pages["container"]
    pages |= {f"box {name}": pages[f"container {name}"] for name in ("ls", "stop", "wait")}
    assert lines(files, docker(tmp_path, pages), "--write") == (
        1,
        [
            "new group: docker box",
            "new alias: docker box ls (docker container ls)",
            "new alias: docker box stop (docker container stop)",
            "new alias: docker box wait (docker container wait)",
            "written: 1",
        ],
    )


def test_the_older_of_two_names_is_enough_where_a_spelling_is_written_that_both_have(
    files: Path, tmp_path: Path
) -> None:
    pages = changed("container stop", "--timeout int ", "--time int    ")
    assert lines(files, docker(tmp_path, pages, version="20.10.24", hidden={})) == (
        1,
        ["option gone: docker container ls --size"],
    )


def test_aliases_without_their_group_are_understood(files: Path, tmp_path: Path) -> None:
    short = "Aliases:\n  ls, ps, list\n"
    pages = changed("container ls", PAGES["container ls"].split("\n\n")[2] + "\n", short)
    pages["ps"] = pages["container ls"].replace(short, "").replace("container ls", "ps")
    assert lines(files, docker(tmp_path, pages)) == (0, [])


def with_build(page: str) -> dict[str, str]:
    """Return the pages of a docker that builds."""
    root = PAGES[""].replace("Management Commands:\n", "Management Commands:\n  image       Manage images\n")
    image = "Usage:  docker image COMMAND\n\nManage images\n\nCommands:\n  build       Build an image\n"
    return {**PAGES, "": root, "image": image, "image build": page, "build": page}


SQUASH = "      --squash     Squash newly built layers\n"
TAG = "  -t, --tag list   Name of the image\n"
PUSH = "      --push       Push the image\n"


def test_without_buildx_its_options_are_not_missed(files: Path, tmp_path: Path) -> None:
    (files / "docker.yaml").write_text(FILE_WITH_BUILD)
    pages = with_build(BUILD.format(name="image build", options=SQUASH + TAG).replace(", docker buildx b", ""))
    assert lines(files, docker(tmp_path, pages)) == (
        0,
        [
            "not asked, buildx is not installed:",
            "docker buildx build",
            "not asked, buildx's, which is not installed:",
            "docker image build --push",
        ],
    )


def test_with_buildx_docker_build_is_its_build(files: Path, tmp_path: Path) -> None:
    (files / "docker.yaml").write_text(FILE_WITH_BUILD)
    page = BUILD.format(name="buildx build", options=PUSH + TAG + "      --sign       Sign it\n")
    pages = with_build(page)
    pages[""] = pages[""].replace("  image ", "  buildx*     Docker Buildx\n  image ")
    pages["buildx"] = "Usage:  docker buildx COMMAND\n\nDocker Buildx\n\nCommands:\n  build       Start a build\n"
    pages |= {"buildx build": page, "buildx b": page}
    assert lines(files, docker(tmp_path, pages), "--write") == (
        1,
        [
            "new option: docker buildx build --sign",
            "new option: docker image build --sign",
            "not asked, docker's own, buildx has it not:",
            "docker image build --squash",
            "written: 2",
        ],
    )
    assert added(files, FILE_WITH_BUILD) == [
        "        sign: {about: Sign it}",
        "        sign:   {about: Sign it}",
    ]


def test_a_new_option_is_written_on_one_line_where_it_belongs(files: Path, tmp_path: Path) -> None:
    pages = changed("container ls", "  -f,", "  -n, --last int          Show `n` last (default -1)\n  -f,")
    pages["container ls"] += "  -b, --bare               Yes: no\n"
    pages["container wait"] += "\nOptions:\n      --until strings   Wait until\n"
    binary = docker(tmp_path, pages)
    assert lines(files, binary, "--write") == (
        1,
        [
            "new option: docker container ls --last int",
            "new option: docker container ls --bare",
            "new option: docker container wait --until strings",
            "written: 3",
        ],
    )
    assert (files / "docker.yaml").read_text() == FILE.replace(
        "        # The second comment.\n",
        '        bare:   {short: b, since: "29.1", about: "Yes: no"}\n        # The second comment.\n',
    ).replace(
        "        size: ",
        """        last:   {short: n, type: int, since: "29.1", about: Show 'n' last}\n        size: """,
    ).replace(
        "      also: [wait]\n",
        "      also: [wait]\n      options:\n"
        '        until: {type: text, many: true, since: "29.1", about: Wait until}\n',
    )
    assert lines(files, binary, "--write") == (0, [])
    loaded = load([("docker.yaml", (files / "docker.yaml").read_bytes())])["docker"]
    assert loaded.commands["docker ps"].options["last"] == Option(
        "last", "n", "value", ("int",), False, "", True, "Show 'n' last"
    )


def test_a_new_command_is_written_with_all_its_options(files: Path, tmp_path: Path) -> None:
    binary = docker(tmp_path, with_pause(), version="30.0.1")
    assert lines(files, binary, "--write") == (1, ["new command: docker container pause", "written: 1"])
    assert added(files) == [
        "    container pause:",
        "      about: Pause processes",
        "      also: [pause]",
        '      since: "30"',
        "      options:",
        '        for:  {type: duration, about: "How long: all of it"}',
        """        note: {short: n, type: text, many: true, about: "A note, \\"quoted\\" and so long that it does"""
        """ not fit into the width of a line, nor that of"}""",
        "      operands: container...",
    ]
    assert lines(files, binary, "--write") == (0, [])
    loaded = load([("docker.yaml", (files / "docker.yaml").read_bytes())])["docker"]
    assert loaded.program.names["container pause"] == loaded.program.names["pause"] == "docker pause"


def test_a_new_group_is_written_with_its_commands(files: Path, tmp_path: Path) -> None:
    pages = changed("", "  container ", "  box         Manage boxes\n  container ")
    pages["box"] = "Usage:  docker box COMMAND\n\nManage boxes\n\nCommands:\n  open        Open a box\n"
    pages["box open"] = "Usage:  docker box open BOX\n\nOpen a box\n"
    binary = docker(tmp_path, pages)
    new = ["new group: docker box", "new command: docker box open"]
    assert lines(files, binary, "--write") == (1, [*new, "written: 2"])
    assert added(files) == [
        "    box: Manage boxes",
        "    box open:",
        "      about: Open a box",
        '      since: "29.1"',
        "      operands: text*",
    ]
    assert lines(files, binary, "--write") == (0, [])


@pytest.mark.parametrize("name", [name for name, (_, (status, _)) in CASES.items() if status == 2])
def test_what_a_person_must_decide_is_never_written(name: str, files: Path, tmp_path: Path) -> None:
    pages, expected = CASES[name]
    assert lines(files, docker(tmp_path, pages), "--write") == expected
    assert (files / "docker.yaml").read_text() == FILE


@pytest.mark.parametrize("name", ["an option that is gone", "a new alias", "an alias that is gone"])
def test_what_is_gone_or_another_spelling_is_left_to_a_person_too(name: str, files: Path, tmp_path: Path) -> None:
    pages, expected = CASES[name]
    assert lines(files, docker(tmp_path, pages), "--write") == expected
    assert (files / "docker.yaml").read_text() == FILE


def test_a_program_that_is_no_docker_is_not_the_same(files: Path) -> None:
    assert update(Path("/bin/true"), "--files", files) == (3, ["update: /bin/true is no docker"])


@pytest.mark.parametrize("binary", FOUND, ids=str)
def test_the_installed_docker_takes_values_and_short_names_as_the_file_says(binary: Path) -> None:
    status, found = update(binary)
    assert [line for line in found if line.strip().startswith(("arity:", "short name:"))] == []
    assert status in (0, 1), found
    assert found[-1].startswith("0 for a person to decide, ")


def test_the_wheel_is_told_which_files_it_takes_so_that_this_program_stays_out() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    taken = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert [path for path in taken if not (ROOT / path).is_file()] == []
    assert "completions/update" not in taken
