"""What a text is about: names as they are written, and a few nouns."""

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_memory.longterm.extract import extract
from mcp_memory.longterm.extract_topics import entities, names, topics
from tests.longterm.test_extract import chat


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My sister Ana lives in Porto", ("Ana", "Porto")),
        ("I work for Acme Robotics in Delft", ("Acme Robotics", "Delft")),
        ("Tomas Berg is our lead", ("Tomas Berg",)),
        ("Dr. Okafor wants to see me", ("Dr. Okafor",)),
        ("My favourite author is Ursula K. Le Guin", ("Ursula K. Le Guin",)),
        ("She studied at the University of Porto", ("University of Porto",)),
        ("We deploy to Fly.io with ArgoCD", ("Fly.io", "ArgoCD")),
        ("It is Ana's and Bo’s house", ("Ana", "Bo")),
        ("I met Łukasz and Émile in Ōsaka", ("Łukasz", "Émile", "Ōsaka")),
        ("Glad to see you on Monday in May", ()),
        ("Congrats! So happy for you, Ana!", ()),
        ("Wow, Ana, that is great", ()),
        ("Thanks Bo!", ()),
        ("I'm OK with the API and CSV", ()),
        ("Yesterday we left", ()),
        ("The Q3 launch moved", ()),
        ("I LIVE IN A VERY LOUD PLACE", ()),
        ("", ()),
    ],
)
def test_names_are_told_from_other_capitals(text: str, expected: tuple[str, ...]) -> None:
    assert entities(text) == expected


def test_a_name_at_the_start_of_a_sentence_counts_once_it_is_known() -> None:
    assert entities("Sasha owns it") == ()
    assert entities("Sasha owns it", known=lambda: frozenset({"Sasha"})) == ("Sasha",)
    assert names("I asked Sasha. Then Bo came") == {"Sasha", "Bo"}


def test_a_name_is_known_from_the_turn_before() -> None:
    messages = chat(("Kim", "Did you talk to Sasha at work?"), ("Lou", "Sasha moved to Ghent two weeks ago."))
    assert extract(messages, tz=UTC)[0].memory.entities == ("Sasha", "Ghent")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The deploy key rotates every Monday", ("key",)),
        ("I'm training for a half marathon in Valencia", ("marathon",)),
        ("My mother had a stroke in 2018", ("mother", "stroke")),
        ("I bought a cast iron pan last week", ("pan",)),
        ("I sleep badly when I drink coffee after 4pm", ("coffee",)),
        ("We booked it for two nights, three weeks and a year", ()),
        ("That's amazing, so happy for you!", ()),
        ("I really like it", ()),
        ("", ()),
    ],
)
def test_topics_are_nouns_and_never_noise(text: str, expected: tuple[str, ...]) -> None:
    assert topics(text) == expected


def test_the_rarest_words_of_the_scope_come_first_and_ubiquitous_ones_not_at_all() -> None:
    shares = {"dog": 0.9, "kennel": 0.01, "garden": 0.2, "fence": 0.1}
    text = "My dog has a kennel in the garden behind the fence"
    assert topics(text) == ("dog", "kennel", "garden")
    assert topics(text, document_frequency=lambda word: shares.get(word, 0.0)) == ("kennel", "fence", "garden")


PIECES = ["I'm", "Ana", "of", "the", "Bo,", "Dr.", "St.", "my", "dog", "K.", "'s", "\n"]


@settings(deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)))
def test_nothing_is_made_up(text: str) -> None:
    assert len(topics(text)) <= 3
    assert all(topic in text.replace("’", "'").lower() for topic in topics(text))
    assert all(part in text for entity in entities(text) for part in entity.split())
