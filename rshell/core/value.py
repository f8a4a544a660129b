"""The base of every plain value: frozen, slotted, compared whole.

The standard `dataclasses` does the same and costs more than the rest of `rshell -c` together.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda thing: thing


@dataclass_transform(frozen_default=True)
class ValueType(type):
    """Turn the annotations of a class body into its slots, in order, with the defaults given there."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> ValueType:
        own = tuple(body.get("__annotations__", ()))
        defaults = {field: body.pop(field) for field in own if field in body}
        made = super().__new__(cls, name, bases, {**body, "__slots__": own})
        inherited = getattr(made, "_fields", ())
        made._fields = inherited + own
        made._defaults = {**getattr(made, "_defaults", {}), **defaults}
        made._setters = getattr(made, "_setters", ()) + tuple(made.__dict__[field].__set__ for field in own)
        return made

    if TYPE_CHECKING:
        _fields: tuple[str, ...]
        _defaults: dict[str, Any]
        _setters: tuple[Any, ...]


class Value(metaclass=ValueType):
    """A record of its annotated fields."""

    if TYPE_CHECKING:
        _fields: ClassVar[tuple[str, ...]]
    else:  # the constructor that type checkers see is made from the annotations

        def __init__(self, *args, **named):
            setters = self._setters
            if len(args) == len(setters) and not named:  # most are made so
                for setter, value in zip(setters, args, strict=False):
                    setter(self, value)
                return
            if len(args) > len(setters):
                raise TypeError(f"{type(self).__name__}: too many values")
            for index, setter in enumerate(setters):
                if index < len(args):
                    setter(self, args[index])
                    continue
                field = self._fields[index]
                setter(self, named.pop(field) if field in named else self._defaults[field])
            if named:
                raise TypeError(f"{type(self).__name__}: no field {', '.join(named)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self._fields)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, field) for field in self._fields)))

    def __repr__(self) -> str:
        inside = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({inside})"

    def but(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        kept = {field: getattr(self, field) for field in self._fields}
        return type(self)(**{**kept, **changes})
