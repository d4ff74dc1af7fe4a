"""How candidates are scored, cut and folded: pure, so that each rule can be shown alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_memory.longterm import rank
from mcp_memory.longterm.rank import Candidate, Legs, Question, Scored, Statistics
from mcp_memory.text import stems

NOBODY = frozenset[str]()


def candidate(words: str, **fields: Any) -> Candidate:
    own = tuple(stems(words))
    given_fields: dict[str, Any] = {
        "key": f"k:{words}",
        "id": words,
        "kind": "semantic",
        "own": own,
        "own_length": len(own),
        "window": (),
        "author": NOBODY,
        "second_hand": False,
        "sources": (),
        "order": 1,
        "cosine": None,
    }
    return Candidate(**{**given_fields, **fields})


def question(words: str, candidates: list[Candidate], **fields: Any) -> Question:
    terms = tuple(dict.fromkeys(stems(words)))
    frequency = {term: sum(term in each.own for each in candidates) for term in terms}
    given_fields: dict[str, Any] = {
        "terms": terms,
        "statistics": Statistics(records=max(len(candidates), 1), frequency=frequency),
        "by_words": True,
        "by_meaning": False,
    }
    return Question(**{**given_fields, **fields})


def ranked(words: str, *candidates: Candidate, **fields: Any) -> list[Scored]:
    return rank.scored(candidates, question(words, list(candidates), **fields))


def ids(results: list[Scored]) -> list[str]:
    return [result.candidate.id for result in results]


def test_more_of_the_questions_words_are_better() -> None:
    texts = ["green tea", "green paint", "a house"]
    assert ids(ranked("green tea", *map(candidate, reversed(texts)))) == texts


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    many = [candidate(f"tea number{n}", id=f"t{n}") for n in range(9)]
    results = ranked("tea zanzibar", *many, candidate("zanzibar"))
    assert results[0].candidate.id == "zanzibar"


def test_newer_is_first_where_scores_are_equal() -> None:
    results = ranked("tea", candidate("tea", id="old", order=1), candidate("tea", id="new", order=2))
    assert ids(results) == ["new", "old"]


def test_meaning_alone_is_the_cosine_and_an_opposite_is_no_match() -> None:
    near, far = candidate("x", id="near", cosine=0.8), candidate("y", id="far", cosine=-0.5)
    results = ranked("z", near, far, by_words=False, by_meaning=True)
    assert [(each.candidate.id, each.score) for each in results] == [("near", 0.8), ("far", 0.0)]


def test_words_alone_and_words_with_meaning_are_on_one_scale() -> None:
    perfect = candidate("green tea", window=("green", "tea"), cosine=1.0)
    by_words = ranked("green tea", perfect, candidate("something else"))[0].score
    by_both = ranked("green tea", perfect, candidate("something else"), by_meaning=True)[0].score
    assert 0.5 < by_words <= 1
    assert 0.5 < by_both <= 1


def test_the_author_counts_only_where_the_question_names_one() -> None:
    hers = candidate("green tea", id="hers", author=frozenset(["ada"]))
    his = candidate("green tea", id="his", author=frozenset(["bob"]), order=2)
    assert ids(ranked("green tea", hers, his)) == ["his", "hers"]
    assert ids(ranked("green tea ada", hers, his, names=frozenset(["ada"]))) == ["hers", "his"]


def test_what_an_assistant_said_ranks_behind_the_same_from_the_user() -> None:
    users, assistants = (
        candidate("tea", id="user", order=1),
        candidate("tea", id="assistant", order=2, second_hand=True),
    )
    assert ids(ranked("tea", users, assistants)) == ["user", "assistant"]


def test_nothing_gives_nothing() -> None:
    assert ranked("tea") == []
    assert rank.cut([], None) == []
    assert rank.folded([]) == []


SOME_WORDS = ["green", "tea", "black", "coffee", "from", "uji", "the", "house"]
WORDS = st.lists(st.sampled_from(SOME_WORDS), min_size=1, max_size=9)


@given(st.lists(WORDS, min_size=1, max_size=6), WORDS, st.booleans())
def test_every_score_is_between_0_and_1_and_sorted(texts: list[list[str]], asked: list[str], by_meaning: bool) -> None:
    candidates = [
        candidate(" ".join(words), id=f"{n}", window=tuple(stems(" ".join(texts[n - 1]))), cosine=0.3 + n / 20, order=n)
        for n, words in enumerate(texts)
    ]
    results = ranked(" ".join(asked), *candidates, by_meaning=by_meaning)
    scores = [result.score for result in results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-9 for score in scores)
    assert sorted(ids(results)) == sorted(each.id for each in candidates)


NO_LEGS = Legs(0.0, 0.0, 0.0, 0.0)


def _results(*scores: float) -> list[Scored]:
    return [Scored(candidate=candidate(f"w{n}"), score=score, terms=(), legs=NO_LEGS) for n, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "floor", "kept"),
    [
        ((0.9, 0.5, 0.1), 0.0, 3),
        ((0.9, 0.5, 0.1), 0.5, 2),
        ((0.9, 0.5, 0.1), 1.0, 0),
        ((0.9, 0.5, 0.1), None, 2),
        ((0.9, 0.4, 0.3), None, 1),
        ((rank.CUT + 0.01, rank.CUT - 0.01), None, 1),
        ((rank.CUT - 0.01,), None, 0),
    ],
)
def test_the_cut_is_a_floor_and_a_share_of_the_best(scores: tuple[float, ...], floor: float | None, kept: int) -> None:
    assert len(rank.cut(_results(*scores), floor)) == kept


def test_parts_of_one_text_are_one_hit_under_the_best_of_them() -> None:
    parts = [candidate("green tea", id="long", key="k#2"), candidate("tea", id="long", key="k#1")]
    (one,) = rank.folded(ranked("green tea", *parts))
    assert one.candidate.key == "k#2"


def test_a_memory_folds_with_the_one_message_it_came_from_whichever_is_better() -> None:
    message = candidate("I like green tea", id="message:s/m", kind="message", sources=("message:s/m",))
    fact = candidate("likes green tea", id="fact", sources=("message:s/m",))
    for words in ("I like green tea", "likes green tea"):
        (one,) = rank.folded(ranked(words, message, fact))
        assert one.covers == ("message:s/m",)


def test_two_memories_of_one_message_are_two() -> None:
    first = candidate("likes green tea", id="one", sources=("message:s/m",))
    second = candidate("likes black coffee", id="two", sources=("message:s/m",))
    assert len(rank.folded(ranked("likes", first, second))) == 2


def test_a_memory_of_several_messages_folds_with_none_of_them() -> None:
    message = candidate("green tea", id="message:s/m", kind="message", sources=("message:s/m",))
    summary = candidate("tea of all kinds", id="sum", sources=("message:s/m", "message:s/n"))
    assert len(rank.folded(ranked("tea", message, summary))) == 2


def test_a_memory_and_a_message_with_equal_words_that_are_strangers_are_two() -> None:
    message = candidate("green tea", id="message:s/m", kind="message", sources=("message:s/m",))
    assert len(rank.folded(ranked("tea", message, candidate("green tea", id="fact")))) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The heating is on", "heating is on", True),
        ("The heating is on", "The heating is off", False),
        ("Alice owes Bob", "Bob owes Alice", False),
        ("before lunch", "after lunch", False),
        ("costs 5 of 10", "costs 10 of 5", False),
        ("can swim", "can not swim", False),
    ],
)
def test_equal_words_in_another_order_or_with_another_little_word_are_another_fact(
    one: str, other: str, same: bool
) -> None:
    both = [candidate(one, id="1"), candidate(other, id="2")]
    assert len(rank.folded(ranked(one, *both))) == (1 if same else 2)


def test_a_term_in_most_records_is_ubiquitous_from_some_number_of_records_on() -> None:
    assert not Statistics(records=10, frequency={"ada": 10}).ubiquitous("ada")
    assert Statistics(records=100, frequency={"ada": 51}).ubiquitous("ada")
    assert not Statistics(records=100, frequency={"ada": 50}).ubiquitous("ada")


def test_a_term_that_more_parts_hold_than_there_are_records_is_only_common() -> None:
    assert Statistics(records=2, frequency={"x": 9}).idf("x") > 0


def test_scores_do_not_depend_on_the_order_of_the_candidates() -> None:
    candidates = [
        candidate("green tea", id="a"),
        candidate("tea", id="b", order=2),
        candidate("green", id="c", order=3),
    ]
    first, second = ranked("green tea", *candidates), ranked("green tea", *reversed(candidates))
    assert [(r.candidate.id, r.score) for r in first] == [(r.candidate.id, r.score) for r in second]
