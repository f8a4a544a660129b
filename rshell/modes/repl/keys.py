"""The keys of the prompt that differ from prompt_toolkit's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.keys import Keys

from rshell.core import help as helping
from rshell.lean import write
from rshell.modes.repl import session

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent

    from rshell.modes.repl.prompt import Prompt

CONTROL = "rshell: the paste holds control characters; nothing was inserted"


def bindings(prompt: Prompt) -> KeyBindings:
    """Return the bindings of a prompt."""
    keys = KeyBindings()

    @keys.add("enter")
    @keys.add("escape", "enter")
    @keys.add("c-o")
    def _(event: KeyPressEvent) -> None:
        """Run what is allowed, go on with what is unfinished, explain what is refused."""
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None  # Enter in the menu takes the word and runs nothing
        elif session.is_unfinished(prompt.shell, buffer.text):
            buffer.insert_text("\n")
        elif prompt.enter(buffer.text):
            buffer.validate_and_handle()

    @keys.add("f1")
    @keys.add("escape", "h")
    def _(event: KeyPressEvent) -> None:
        """Help for the command under the cursor."""
        words = tuple(event.current_buffer.text.split())
        text = None
        for count in range(min(4, len(words)), 0, -1):
            text = text or helping.of_command(prompt.shell.policy, words[:count])
        shown = text or helping.overview(prompt.shell.policy)
        run_in_terminal(lambda: write(1, shown))

    # SECURITY: quoted insert puts control characters into the line (lshell's escape by C-v C-j)
    @keys.add("c-q")
    @keys.add("c-v")
    @keys.add("c-z")
    def _(event: KeyPressEvent) -> None:
        """Do nothing."""

    @keys.add(Keys.BracketedPaste)
    def _(event: KeyPressEvent) -> None:
        """Insert a paste, newlines and all: it is one text, judged as a whole on Enter."""
        data = event.data.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
        if data.replace("\n", "").replace("\t", "").isprintable():
            event.current_buffer.insert_text(data)
        else:
            prompt.message = CONTROL

    return keys
