"""Go templates of `--format`: fields, loops over fields, the harmless functions. Nothing else.

docker's templates can't run or open anything; but `{{range 1000000000}}` never ends and
`{{printf "%999999d" 1}}` fills memory. So the words inside {{ }} are a closed list.

Source: text/template; docker/cli templates/templates.go.
"""

from __future__ import annotations

FUNCTIONS = frozenset(
    "json join split title lower upper truncate pad index len print println eq ne lt le gt ge and or not".split()
)
KEYWORDS = frozenset("if else end with range nil true false".split())
NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
MAX_NUMBER = 9999
# SECURITY: a number is an argument of a function, never what a loop turns over (Go 1.22: range 10000000)
NOT_BEFORE_A_NUMBER = ("", "range", "with", "if", "else", "end", "(", ":=", "|", ",")


def is_harmless(text: str) -> bool:
    """Tell whether every action of a template is made of known words, and loops run over fields only."""
    rest = text
    while True:
        _, opening, rest = rest.partition("{{")
        if not opening:
            return True
        action, closing, rest = rest.partition("}}")
        if not closing or not _is_action(action):
            return False


def _is_action(action: str) -> bool:
    words = _words(action.removeprefix("- ").removesuffix(" -"))
    if words is None:
        return False
    for before, word in zip(["", *words], words, strict=False):
        if word[0] in NAME and not (word in FUNCTIONS or word in KEYWORDS or _is_number(word)):
            return False
        if word[0] in "0123456789" and before in NOT_BEFORE_A_NUMBER:
            return False
    if ":=" in words and words[0] not in ("range", "with", "if"):
        return False
    return "=" not in words


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word) <= MAX_NUMBER


def _words(action: str) -> list[str] | None:
    """Split an action into names, .Fields, $variables, numbers, strings and punctuation."""
    words: list[str] = []
    here = 0
    while here < len(action):
        char = action[here]
        stop = here + 1
        if char in " \t":
            here = stop
            continue
        if char == '"':
            while stop < len(action) and action[stop] != '"':
                stop += 2 if action[stop] == "\\" else 1
            stop += 1
            if stop > len(action):
                return None
        elif char in NAME or char in ".$":
            while stop < len(action) and (action[stop] in NAME or action[stop] == "."):
                stop += 1
        elif action.startswith(":=", here):
            stop += 1
        elif char not in "()|,":
            return None
        words.append(action[here:stop])
        here = stop
    return words
