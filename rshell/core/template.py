"""Go templates of `--format`: fields, loops over collections, the harmless functions. Nothing else.

docker's templates can't run or open anything; but `{{range 1000000000}}` never ends and
`{{printf "%999999d" 1}}` fills memory. So the words inside {{ }} are a closed list, and so is what a
loop may turn over: a number that a field holds would do, too. A loop in a loop goes down into what the
outer one turns over, so that all of them together turn no more often than docker's answer is long.

Source: text/template; docker/cli templates/templates.go.
"""

from __future__ import annotations

from rshell.core.value import Value

FUNCTIONS = frozenset(
    "json join split title lower upper truncate pad index len print println eq ne lt le gt ge and or not".split()
)
BLOCKS = ("range", "with", "if")
GROWING = ("join", "pad", "split")  # one inside the other, they multiply what they are given
KEYWORDS = frozenset(("else", "end", "nil", "true", "false", *BLOCKS))
# the fields of docker's objects that are lists or mappings
COLLECTIONS = frozenset(
    """Aliases Args Binds CapAdd CapDrop Cmd Components Config Containers Data Devices Dns DriverOpts DriverStatus
    Entrypoint Env ExposedPorts ExtraHosts GroupAdd IPAM Labels Layers Links Log LogConfig Mounts Network Networks
    OnBuild Options PortBindings Ports Plugins RegistryConfig RepoDigests RepoTags Runtimes SecurityOpt SecurityOptions
    Sysctls Test Tmpfs Ulimits Volume Volumes VolumesFrom Warnings""".split()
)
MAX_LOOPS = 3  # one inside the other
NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
DIGITS = frozenset("0123456789")
MAX_NUMBER = 999
# a number is an argument of a function, never what stands alone
NOT_BEFORE_A_NUMBER = ("", "range", "with", "if", "else", "end", "(", ":=", "|", ",")


class Block(Value):
    """A block that is open: its first word, and the variables that it sets."""

    kind: str
    variables: tuple[str, ...] = ()


def is_harmless(text: str) -> bool:
    """Tell whether every action of a template is made of known words, and every loop soon ends."""
    rest = text
    blocks: list[Block] = []
    while True:
        _, opening, rest = rest.partition("{{")
        if not opening:
            return not blocks
        action, closing, rest = rest.partition("}}")
        words = _words(action.removeprefix("- ").removesuffix(" -"))
        if not closing or not words or not _are_known(words) or not _is_placed(words, blocks):
            return False


def _are_known(words: list[str]) -> bool:
    for before, word in zip(["", *words], words, strict=False):
        if word[0] in DIGITS and (not _is_number(word) or before in NOT_BEFORE_A_NUMBER):
            return False
        if word[0] in NAME and word[0] not in DIGITS and word not in FUNCTIONS and word not in KEYWORDS:
            return False
    # SECURITY: {{join (split (join (split ...)))}} of one letter is a terabyte
    return (":=" not in words or words[0] in ("range", "with")) and sum(map(words.count, GROWING)) <= 1


def _is_placed(words: list[str], blocks: list[Block]) -> bool:
    """Follow the blocks that an action opens or closes, and judge its loop."""
    first = words[0]
    if first == "end":
        return len(words) == 1 and bool(blocks) and bool(blocks.pop())
    if first == "else":
        return bool(blocks) and (len(words) == 1 or words[1] == "if")
    if any(word in BLOCKS or word in ("else", "end") for word in words[1:]):
        return False
    loops = [block for block in blocks if block.kind == "range"]
    if loops and "$" in words:
        return False  # SECURITY: all of docker's answer, as often as the loop turns
    over = words[words.index(":=") + 1 :] if ":=" in words else words[1:]
    if first == "range":
        if len(loops) >= MAX_LOOPS or len(over) != 1 or not _is_collection(over[0], blocks, loops):
            return False
    elif first == "with" and (len(over) != 1 or not _is_inside(over[0], loops)):
        return False
    if first in BLOCKS:
        variables = words[1 : words.index(":=")] if ":=" in words else ()
        blocks.append(Block(first, tuple(variables)))
    return True


def _is_collection(word: str, blocks: list[Block], loops: list[Block]) -> bool:
    """SECURITY: a loop turns over a field that is a collection, or over an element of the loop around it.

    Over anything else a loop in a loop would turn once more for each turn of the outer one.
    """
    element = word == "." or (word[0] == "$" and "." not in word and word != "$")
    if element:
        inside = bool(loops) and all(block.kind != "with" for block in blocks)
        return inside and (word == "." or word in loops[-1].variables)
    return _is_inside(word, loops) and word.rpartition(".")[2] in COLLECTIONS


def _is_inside(word: str, loops: list[Block]) -> bool:
    """Tell whether a field or a variable is, within a loop, a part of what that turns over."""
    return word[0] == "." or (word[0] == "$" and (not loops or word in loops[-1].variables))


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
