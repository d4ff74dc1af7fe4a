"""The patterns themselves: reading takes time in proportion to length, whatever is read."""

import importlib
import re
from typing import cast

import pytest

from mcp_memory.longterm.patterns import Pattern, any_of, by_trigger, none_of
from mcp_memory.longterm.patterns_instructions import INSTRUCTIONS
from mcp_memory.longterm.patterns_statements import STATEMENTS

MODULES = "dates dates_patterns dates_rules dates_tense extract extract_gate extract_reading extract_topics sentences"


def expressions() -> list[tuple[str, str]]:
    """Every compiled expression of the extraction, by name."""
    found = [
        (f"{name}.{attribute}", cast("re.Pattern[str]", value).pattern)
        for name in MODULES.split()
        for attribute, value in vars(importlib.import_module(f"mcp_memory.longterm.{name}")).items()
        if isinstance(value, re.Pattern)
    ]
    tables = enumerate(INSTRUCTIONS + STATEMENTS)
    return found + [(f"{pattern.kind} {place}", pattern.expression.pattern) for place, pattern in tables]


@pytest.mark.parametrize(("name", "expression"), expressions())
def test_every_repetition_is_bounded(name: str, expression: str) -> None:
    """Without `*`, `+` and `{n,}` no text makes a search look further than a fixed distance from where it starts."""
    bare = re.sub(r"\[(?:\\.|[^\]\\])*\]", "C", re.sub(r"\\[^\[\]]", "E", expression))
    assert not re.search(r"[*+]|\{\d*,\}", bare), name


@pytest.mark.parametrize("pattern", INSTRUCTIONS + STATEMENTS)
def test_a_pattern_is_tried_on_the_sentences_it_can_fit(pattern: Pattern) -> None:
    """Its triggers are words as a sentence is cut into them."""
    assert pattern.triggers
    assert all(re.fullmatch(r"[\w'.-]{1,32}", trigger) for trigger in pattern.triggers)


def test_the_first_pattern_of_the_table_is_found_for_each_of_its_words() -> None:
    table = by_trigger(STATEMENTS)
    for place, pattern in enumerate(STATEMENTS):
        assert all((place, pattern) in table[trigger] for trigger in pattern.triggers)


def test_lists_of_words_are_expressions_with_blanks_for_underscores() -> None:
    assert re.fullmatch(any_of("tea green_tea"), "green tea")
    assert re.match(none_of("tea"), "team")
    assert not re.match(none_of("tea"), "tea leaf")
