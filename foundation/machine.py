"""State machines as tables. Everything that affects a state lives in the table; a wrong trigger is a named refusal.

A table maps state → {trigger: next state}. A ``Machine`` asserts when it is made that every state is listed and
reachable from the initial one, so a typo fails at import. ``docs/reference/states.md`` is drawn from the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from foundation.errors import Conflict

S = TypeVar("S", bound=StrEnum)
T = TypeVar("T", bound=StrEnum)


class WrongState(Conflict):
    """The step does not exist from where the thing stands."""

    code = "foundation.wrong_state"


class LostRace(Conflict):
    """Somebody else moved the thing first; read it again."""

    code = "foundation.lost_race"


class Machine(Generic[S, T]):
    """A transition table over two enums."""

    def __init__(self, name: str, initial: S, table: Mapping[S, Mapping[T, S]]) -> None:
        self.name = name
        self.initial = initial
        self.table = table
        states = set(type(initial))
        listed = set(table)
        if listed != states:
            raise AssertionError(f"{name}: states without a row: {sorted(states ^ listed)}")
        reached = self._reachable()
        if reached != states:
            raise AssertionError(f"{name}: unreachable states: {sorted(states - reached)}")

    def _reachable(self) -> set[S]:
        seen = {self.initial}
        todo = [self.initial]
        while todo:
            for after in self.table[todo.pop()].values():
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        return seen

    def advance(self, state: S, trigger: T) -> S:
        """The state after ``trigger``; raises WrongState naming both where there is no such step."""
        try:
            return self.table[state][trigger]
        except KeyError:
            raise WrongState(machine=self.name, state=str(state), trigger=str(trigger)) from None

    def allows(self, state: S, trigger: T) -> bool:
        return trigger in self.table[state]

    def is_final(self, state: S) -> bool:
        return not self.table[state]

    def edges(self) -> Iterator[tuple[S, T, S]]:
        for before, row in self.table.items():
            for trigger, after in row.items():
                yield before, trigger, after

    def mermaid(self) -> str:
        """The diagram of this table as Mermaid text."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {before} --> {after}: {trigger}" for before, trigger, after in self.edges()]
        lines += [f"    {state} --> [*]" for state in self.table if self.is_final(state)]
        return "\n".join(lines) + "\n"
