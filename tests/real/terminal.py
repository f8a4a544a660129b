"""A terminal to type into and to read from: tmux, on a server of its own."""

import itertools
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from .ground import ENVIRONMENT, need, program, run, wait_until

_numbers = itertools.count(1)


class Terminal:
    """One command in a window of its own."""

    def __init__(
        self,
        directory: Path,
        argv: Sequence[str | Path],
        width: int = 80,
        height: int = 24,
        env: Mapping[str, str] | None = None,
    ) -> None:
        need("tmux")
        self._socket = directory / f"tmux-{next(_numbers)}"
        settings = {"remain-on-exit": "on", "remain-on-exit-format": "", "status": "off", "escape-time": "0"}
        before = [word for item in settings.items() for word in ("set", "-gq", *item, ";")]
        variables = [word for item in (env or {}).items() for word in ("-e", "=".join(item))]
        window = ["new-session", "-d", "-x", str(width), "-y", str(height), *variables, "--"]
        # One word would be given to a shell: `env` makes it two.
        self._tmux("start-server", ";", *before, *window, program("env"), *map(str, argv))

    def _tmux(self, *args: str, input: str | None = None, check: bool = True) -> str:
        place = ("-S", self._socket, "-f", "/dev/null")
        env = {**ENVIRONMENT, "TERM": "xterm-256color"}
        return run(program("tmux"), *place, *args, env=env, input=input, check=check).stdout

    def send_keys(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, C-c, Tab, Up."""
        self._tmux("send-keys", *keys)

    def type(self, text: str, *keys: str) -> None:
        """Type text as it is, then press keys."""
        self._tmux("send-keys", "-l", "--", text)
        if keys:
            self.send_keys(*keys)

    def paste(self, text: str) -> None:
        """Paste text, bracketed if the program asked for that."""
        self._tmux("load-buffer", "-", input=text)
        self._tmux("paste-buffer", "-p", "-r", "-d")

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self, styles: bool = False) -> str:
        """What is to be seen, with escape sequences for its colours if wanted."""
        return self._tmux("capture-pane", "-p", *(["-e"] if styles else []))

    def wait_for(self, text: str, timeout: float = 30) -> str:
        """The screen, once it shows the text."""

        def shows() -> str | None:
            seen = self.screen()
            return seen if text in seen else None

        try:
            return wait_until(shows, timeout, f"{text!r} on the screen")
        except TimeoutError as error:
            raise AssertionError(f"{error}, which shows:\n{self.screen()}") from None

    def wait_exit(self, timeout: float = 30) -> int:
        """The command's status (128 + n for a signal), once it has ended."""

        def ended() -> str | None:
            form = "#{?pane_dead,#{pid},} #{pane_dead_status} #{pane_dead_signal}"
            server, status, number = self._tmux("display-message", "-p", form).rstrip("\n").split(" ")
            if server and not status + number:
                os.kill(int(server), signal.SIGCHLD)  # tmux 3.3 may miss the signal, and never look
            return status or (number and str(128 + int(number)))

        return int(wait_until(ended, timeout, "the command's end"))

    def hang_up(self) -> None:
        """Close the terminal under the command."""
        self._tmux("kill-server", check=False)
