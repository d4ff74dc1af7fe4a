"""Splitting a message: where a sentence ends, where it does not, and what is no sentence at all."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_memory.longterm.sentences import split


def said(text: str) -> list[str]:
    return [sentence.text for sentence in split(text)]


def blocks(text: str) -> list[tuple[str, str]]:
    return [(sentence.block, sentence.text) for sentence in split(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I saw Dr. Okafor. He was kind.", ["I saw Dr. Okafor.", "He was kind."]),
        ("Mr. and Mrs. Berg met Prof. Li vs. Ms. Oh.", ["Mr. and Mrs. Berg met Prof. Li vs. Ms. Oh."]),
        ("Use a host, e.g. db-7, i.e. staging. Fine.", ["Use a host, e.g. db-7, i.e. staging.", "Fine."]),
        ("We met at 5 p.m. on Friday. It rained.", ["We met at 5 p.m. on Friday.", "It rained."]),
        ("We met at 5 p.m. Then it rained.", ["We met at 5 p.m.", "Then it rained."]),
        ("I live in the U.S. My dog is Rex.", ["I live in the U.S.", "My dog is Rex."]),
        ("It took 200 ms. We cheered.", ["It took 200 ms.", "We cheered."]),
        ("J. K. Rowling wrote it. So do I. Then we left.", ["J. K. Rowling wrote it.", "So do I.", "Then we left."]),
        ("No. 5 is mine. No. I disagree.", ["No. 5 is mine.", "No.", "I disagree."]),
        ("It costs 3.50 now. Version v2.0.1 is out.", ["It costs 3.50 now.", "Version v2.0.1 is out."]),
        ("See https://a.b/c.d?e=f.g! Then config.yaml.", ["See https://a.b/c.d?e=f.g!", "Then config.yaml."]),
        ("Node.js is old. Edit .env first.", ["Node.js is old.", "Edit .env first."]),
        ("Well... maybe not. Well… Maybe.", ["Well... maybe not.", "Well…", "Maybe."]),
        ("i moved. my dog came too! nice", ["i moved.", "my dog came too!", "nice"]),
        ('"Really?" he said. "No."', ['"Really?" he said.', '"No."']),
        ("What?! No way!!! Ok", ["What?!", "No way!!!", "Ok"]),
        (
            "私は東京に住んでいます。犬が好きです！本当？はい。",
            ["私は東京に住んでいます。", "犬が好きです！", "本当？", "はい。"],
        ),
        ("no stop at all", ["no stop at all"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_a_stop_ends_a_sentence_unless_it_belongs_to_a_word(text: str, sentences: list[str]) -> None:
    assert said(text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("i live in porto\nmy dog is rex", ["i live in porto", "my dog is rex"]),
        ("I live in Porto\n\nMy dog is Rex", ["I live in Porto", "My dog is Rex"]),
        (
            "This line was wrapped by an editor at forty columns or more\nand goes on here.\nA new one.",
            ["This line was wrapped by an editor at forty columns or more\nand goes on here.", "A new one."],
        ),
        ("one\r\ntwo\u2028three", ["one", "two", "three"]),
    ],
)
def test_a_line_ends_a_sentence_unless_an_editor_wrapped_it(text: str, sentences: list[str]) -> None:
    assert said(text) == sentences


def test_each_item_of_a_list_is_read_without_its_bullet() -> None:
    assert blocks("My rules:\n- Never push. Ever.\n* [x] tea\n2) milk\n# Title\n") == [
        ("prose", "My rules:"),
        ("item", "Never push."),
        ("item", "Ever."),
        ("item", "tea"),
        ("item", "milk"),
        ("heading", "Title"),
    ]


@pytest.mark.parametrize(
    ("text", "kept", "block"),
    [
        ("Look:\n```py\nx = 1. y\n```\nDone.", "```py\nx = 1. y\n```", "code"),
        ("Look:\n~~~\nnever closed. Really.", "~~~\nnever closed. Really.", "code"),
        ("```one line```\nDone.", "```one line```", "code"),
        ("Look:\n\n    indented. code\n    more\n\nDone.", "indented. code\n    more", "code"),
        ("> Obey me. Now.\n> Always.\nDone.", "> Obey me. Now.\n> Always.", "quote"),
        ("On Mon, 3 May 2021, Bo wrote:\n> Hi. There.\nDone.", "On Mon, 3 May 2021, Bo wrote:\n> Hi. There.", "quote"),
        (
            '<document index="1">\nObey. Me.\n</document>\nDone.',
            '<document index="1">\nObey. Me.\n</document>',
            "quote",
        ),
        ('"""\nObey. Me.\n"""\nDone.', '"""\nObey. Me.\n"""', "quote"),
        ("Look! [photo: a dog. And a cat] Done.", "[photo: a dog. And a cat]", "caption"),
    ],
)
def test_code_quotations_and_captions_are_kept_whole_and_apart(text: str, kept: str, block: str) -> None:
    assert (block, kept) in blocks(text)
    assert [sentence for sentence in blocks(text) if sentence[0] == block] == [(block, kept)]


def test_a_tag_that_nothing_closes_hides_nothing() -> None:
    assert said("<b>\nI like tea.\n<i>\nI like milk.") == ["<b>", "I like tea.", "<i>", "I like milk."]


def test_text_after_a_fence_on_the_same_line_is_prose() -> None:
    assert blocks("```x``` is what I typed.") == [("prose", "```x``` is what I typed.")]


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "- a. B",
                "> q",
                "```",
                '"""',
                "<a>",
                "</a>",
                "    code",
                "",
                "I go. [photo: x] Yes!",
                "# h",
                "So…",
                "。！",
            ]
        ),
        st.text(max_size=30),
    ),
    max_size=12,
).map("\n".join)


@settings(deadline=None)
@given(LINES)
@example("1. \n2. x")
@example("[photo: [photo: a]]")
def test_every_sentence_stands_where_it_says_and_none_overlaps_another(text: str) -> None:
    at = 0
    for sentence in split(text):
        assert sentence.text == text[sentence.start : sentence.end]
        assert sentence.text == sentence.text.strip() != ""
        assert sentence.start >= at
        at = sentence.end


@settings(deadline=None)
@given(st.lists(st.sampled_from(["I like tea.", "No!", "Is v2.0 out?", "So be it…"]), min_size=1, max_size=8))
def test_whole_sentences_come_back_as_they_were_written(sentences: list[str]) -> None:
    assert said(" ".join(sentences)) == sentences


@pytest.mark.parametrize("unit", ["\n", "<a>\n", "- a. ", "[photo: ", ".", "a", "> ", "```\n", '"""\n', "Dr. ", "。"])
def test_a_long_text_costs_no_more_steps_than_its_length_allows(unit: str) -> None:
    """Nothing is searched to its end more than once: ten times the text gives at most ten times the sentences."""
    few, many = split(unit * 2_000), split(unit * 20_000)
    assert len(many) <= 10 * max(1, len(few))
