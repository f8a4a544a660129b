"""The prompt on prompt_toolkit: completion, colours and refusals all from the deciding function."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.filters import Condition, is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, HSplit, Window
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from rshell import say
from rshell.core import complete
from rshell.core.model import Permit, Refusal
from rshell.host.audit import Unrecorded
from rshell.modes.repl import session
from rshell.modes.repl.keys import bindings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from rshell.modes.shell import Shell

MAX_CANDIDATES = 200
STYLE = Style.from_dict({
    "refused": "ansired underline",
    "message": "",
    "auto-suggestion": "ansibrightblack",
})  # fmt: skip


def output() -> Output:
    """Return the terminal, which is not asked where its cursor is: half of them answer into the next line."""
    made = create_output()
    if isinstance(made, Vt100_Output):
        made.enable_cpr = False
    return made


def continuation(width: int, number: int, wraps: int) -> str:
    """Return what stands before a line that was gone on with; nothing before one that is only wrapped."""
    return "" if wraps else "> "


class Judged:
    """The decision on a text, remembered for as long as the text stays the same."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.text = ""
        self.decided: Permit | Refusal | None = None

    def of(self, text: str) -> Permit | Refusal:
        """Return the decision on a text."""
        if self.decided is None or text != self.text:
            self.text, self.decided = text, self.shell.judge(text)
        return self.decided

    def refused(self, text: str) -> Refusal | None:
        """Return the refusal of a text that no typing on could mend."""
        decided = self.of(text)
        if isinstance(decided, Permit) or not text.strip():
            return None
        return None if complete.could_continue(text, decided) else decided


class Words(Completer):
    """Offers what could become an allowed line. No I/O, only what is in memory."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield the candidates for the word before the cursor."""
        text = document.text_before_cursor
        found = complete.candidates(self.shell.policy, text, self.shell.context)
        for one in found[:MAX_CANDIDATES]:
            yield Completion(one.text, one.start - len(text), display_meta=one.about)


class Colours(Lexer):
    """Red and underlined is what was refused; never what is only unfinished."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return the styled text of each line."""
        refusal = self.judged.refused(document.text)
        at = refusal.at if refusal is not None and refusal.line == document.text else None
        starts = [0]
        for text in document.lines:
            starts.append(starts[-1] + len(text) + 1)

        def line(number: int) -> StyleAndTextTuples:
            text, start = document.lines[number], starts[number]
            if at is None:
                return [("", text)]
            begin, end = max(0, at[0] - start), max(0, at[1] - start)
            return [("", text[:begin]), ("class:refused", text[begin:end]), ("", text[end:])]

        return line


class Prompt:
    """Reads lines with prompt_toolkit."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.judged = Judged(shell)
        self.message = ""  # under the line, until the next key
        self.touched = time.monotonic()
        self.session: PromptSession[str] = PromptSession(
            session.prompt_text(), multiline=True, prompt_continuation=continuation, completer=Words(shell),
            lexer=Colours(self.judged), complete_while_typing=False, auto_suggest=AutoSuggestFromHistory(),
            history=InMemoryHistory(), output=output(), key_bindings=bindings(self), style=STYLE,
            # SECURITY: each of these would run a shell or a program of the user's choice
            enable_system_prompt=False, enable_open_in_editor=False, enable_suspend=False,
        )  # fmt: skip
        self.session.default_buffer.on_text_changed += self.changed
        self.put_message_under_line()

    def read(self, status: int) -> str:
        """Return a line that may run. Raises session.Leave."""
        while True:
            self.message = ""
            try:
                return self.session.prompt(pre_run=self.watch, handle_sigint=True)
            except KeyboardInterrupt:
                continue
            except (EOFError, OSError):  # C-d; or the terminal is gone
                raise session.Leave from None
            finally:
                self.shell.lifeline.arm()

    def put_message_under_line(self) -> None:
        """Add a window for the message; a bottom toolbar would need the terminal to tell its height."""
        window = Window(
            FormattedTextControl(lambda: [("class:message", self.message)]), wrap_lines=True, dont_extend_height=True
        )
        root = self.session.layout.container
        if isinstance(root, HSplit):
            root.children.append(ConditionalContainer(window, Condition(lambda: bool(self.message)) & ~is_done))

    def changed(self, _: object) -> None:
        """Forget the message when the line changes."""
        self.message = ""
        self.touched = time.monotonic()

    def enter(self, text: str) -> bool:
        """Judge a line on Enter; explain and record a refusal. Return whether it may run."""
        decided = self.judged.of(text)
        if isinstance(decided, Permit) or not text.strip():
            return True
        self.message = say.render(decided).rstrip("\n")
        self.shell.status = say.STATUS[decided.kind]
        try:
            self.shell.audit.refused(text, decided)
        except Unrecorded as lost:
            self.shell.unrecorded(lost)
            get_app().exit(exception=session.Leave())
        return False

    def watch(self) -> None:
        """While the prompt waits: leave on a hang-up, and after too long a silence."""
        app = get_app()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: app.exit(exception=EOFError))
        self.touched = time.monotonic()
        app.create_background_task(self.until_idle())

    async def until_idle(self) -> None:
        """Leave when nothing was typed for as long as the policy says."""
        idle = int(str(self.shell.policy.settings["idle"]))
        while (left := self.touched + idle - time.monotonic()) > 0:
            await asyncio.sleep(left)
        get_app().exit(exception=session.Leave("rshell: nothing was typed for too long"))
