"""Where the programs are: a built-in list of root's directories, never $PATH."""

from __future__ import annotations

from rshell.lean import os

# NixOS has a sudo in both of its directories; only the one among the wrappers has its setuid bit
DIRECTORIES = (
    "/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin",
    "/run/wrappers/bin", "/run/current-system/sw/bin",
)  # fmt: skip
SEARCH_PATH = ":".join(DIRECTORIES[:6])
PLUGIN = "cli-plugin:"
# where docker looks for its plugins, besides its configuration (docker/cli cli-plugins/manager)
PLUGIN_DIRECTORIES = (
    "/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins",
    "/run/current-system/sw/libexec/docker/cli-plugins",
)  # fmt: skip
OTHERS_WRITE = 0o022
EXECUTABLE = 0o111
KIND, REGULAR, DIRECTORY = 0o170000, 0o100000, 0o040000


class Programs(dict[str, str]):
    """Maps a name, or an absolute path, to the absolute path of the program; '' when it is not there."""

    def __missing__(self, name: str) -> str:
        if name.startswith(PLUGIN):
            path = find(name.removeprefix(PLUGIN), PLUGIN_DIRECTORIES)
        else:
            path = self.by_path(name) if "/" in name else find(name)
        self[name] = path
        return path

    def by_path(self, path: str) -> str:
        """Return where a program is when this path is that very file."""
        found = self[path.rpartition("/")[2]] if path.startswith("/") else ""
        if not found or found == path:
            return found
        try:
            there, here = os.stat(found), os.stat(path)
        except OSError:
            return ""
        return found if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) else ""


def find(name: str, directories: tuple[str, ...] = DIRECTORIES) -> str:
    """Return the absolute path of a program that only root can change, or ''."""
    if not name or name.startswith((".", "-")):
        return ""
    for directory in directories:
        path = f"{directory}/{name}"
        try:
            program, place = os.stat(path), os.stat(directory)
        except (OSError, ValueError):
            continue
        # SECURITY: a program or a directory that others can write is no program of ours
        if (
            program.st_mode & KIND == REGULAR
            and program.st_mode & EXECUTABLE
            and not program.st_uid
            and not place.st_uid
            and not (program.st_mode | place.st_mode) & OTHERS_WRITE
        ):
            return path
    return ""
