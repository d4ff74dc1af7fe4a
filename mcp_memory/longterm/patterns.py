"""What a pattern is, and the pieces that the patterns of instructions and of statements share.

Each pattern reads one sentence in lower case, with straight apostrophes and its opening interjections cut off.
Repetitions are bounded and every pattern begins at a word, so that reading takes time in proportion to length.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from mcp_memory.longterm.patterns_words import words

__all__ = ["Kind", "Pattern", "any_of", "by_trigger", "none_of", "pattern"]

Kind: TypeAlias = Literal["preference", "instruction", "identity", "relation", "event", "plan"]


class Pattern(NamedTuple):
    """One way to say a thing of one kind."""

    kind: Kind
    triggers: frozenset[str]
    """It is tried only on sentences that hold one of these words."""
    expression: re.Pattern[str]


def pattern(kind: Kind, triggers: str, *expression: str) -> Pattern:
    """A pattern; the parts of its expression are joined."""
    return Pattern(kind, words(triggers), re.compile("".join(expression)))


def by_trigger(patterns: Iterable[Pattern]) -> Mapping[str, tuple[tuple[int, Pattern], ...]]:
    """The patterns to try for each word, each with its place in the table."""
    found: dict[str, list[tuple[int, Pattern]]] = {}
    for place, one in enumerate(patterns):
        for trigger in one.triggers:
            found.setdefault(trigger, []).append((place, one))
    return {trigger: tuple(places) for trigger, places in found.items()}


def any_of(alternatives: str) -> str:
    """An expression for one of the words; `_` stands for a blank within one."""
    return "(?:" + "|".join(alternatives.replace("_", " ") for alternatives in alternatives.split()) + ")"


def none_of(alternatives: str) -> str:
    """An expression for a place where none of the words begins."""
    return f"(?!{any_of(alternatives)}\\b)"


SUBJECT: Final = r"\b(?:i|we)"
AM: Final = r"\b(?:i'm|im|we're|i am|we are|i was|we were|i've been|we've been|i have been|we have been)"
HAVE: Final = r"\b(?:i|we)(?:'ve got|'ve| have got| have)"
ADVERB: Final = "(?:" + any_of(
    "really absolutely just also always still usually actually truly totally kinda personally especially never "
    "only even finally recently already currently now both all definitely probably mostly mainly generally often "
    "typically normally rarely once do first have had so then somewhat quite very much kind_of sort_of happily "
    "newly"
) + " ){0,3}"  # fmt: skip
COUNT: Final = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|many|several|some|few|no|\d{1,3})"
LASTING: Final = none_of(
    r"it that this these those them one you your yours how what when where why whatever both either all_of "
    r"the_(?:first|second|third|last|latter|former|other|new|way|sound|look|result|answer) "
    r"the_(?:\w{2,12}_)?(?:one|ones|version|option|approach|solution|method|idea) option version "
    r"to_(?:know|see|ask|have|get|make|write|create|add|hear|understand|use|be_able)"
)
"""What follows is not something that only the present conversation can name."""
PERSON: Final = any_of(
    r"wife husband spouse partner fianc[eé]e? boyfriend girlfriend mother father mom mum dad parents? brothers? "
    r"sisters? siblings? sons? daughters? child children kids? baby twins? "
    r"grand(?:mother|father|ma|pa|parents|son|daughter|kids) uncle aunt cousins? niece nephew family friends? "
    r"best_friend roommate flatmate neighbou?rs? boss manager colleagues? coworkers? co-workers? mentor tutor "
    r"teacher therapist doctor dentist landlord landlady team dog cat pets? puppy kitten horse "
    r"(?:mother|father|sister|brother|son|daughter)-in-law step\w{3,8} ex(?:-\w{4,9})? lead"
)
HAPPENED: Final = any_of(
    r"moved bought adopted started quit joined graduated married visited travell?ed went met painted lost won "
    r"sold hired fired failed passed signed enrolled booked ordered attended celebrated hosted organi[sz]ed "
    r"launched founded opened closed finished completed earned retired broke injured sprained donated volunteered "
    r"applied interviewed accepted resigned "
    r"got_(?:married|engaged|divorced|promoted|hired|fired|a_new|a_job|into|back_from) switched migrated upgraded "
    r"relocated inherited gave_birth had_(?:a_baby|surgery|an_operation|a_\w{2,12}_(?:surgery|accident)) flew drove_to "
    r"hiked camped ran_(?:a|my|the)_(?:\w{2,12}_)?(?:marathon|race|5k|10k) became grew_up took_up took_part built "
    r"rented renovated published performed competed received discovered learned_to learnt_to taught proposed "
    r"gave_up took_(?:an?|the|my)_(?:new_)?job decided_to chose_to tried_out"
)
BEFELL: Final = any_of(
    "promoted hired fired diagnosed laid_off accepted rejected admitted elected invited nominated awarded raised "
    "born adopted robbed injured transferred assigned selected chosen"
)
DOES: Final = any_of(
    r"is are was were has have had 's lives? works? runs? uses? likes? loves? hates? prefers? wants? needs? goes "
    r"comes plays? teaches studies moved got died passed started turned turns? takes? took made makes? gave "
    r"gives? meets? met rotates? deploys? ships? closes opens starts? ends? costs? belongs? stands? stays? "
    r"recommends? wakes? sleeps? eats? drives? speaks? owns? keeps? picks? helps? grew bought went can't cannot "
    r"can doesn't don't isn't will sits? lies contains? expires? consists? includes? provides? requires? only "
    r"always never usually just"
)
OCCASION: Final = any_of(
    "meeting appointment interview exam deadline flight surgery operation wedding reservation booking "
    "presentation performance review trip holiday vacation concert conference audition tournament recital "
    "check-?up date race match baby_on_the_way due_date"
)
ILLNESS: Final = any_of(
    r"asthma diabetes migraines? adhd autism anxiety depression cancer allerg\w{1,4} epilepsy eczema insomnia "
    r"vertigo celiac coeliac ibs hiv dementia arthritis "
    r"\w{3,12}(?:itis|emia|aemia|osis|exia|algia|lexia|pathy|phobia) type_(?:1|2|one|two) "
    r"high_(?:blood|cholesterol) low_blood bad_(?:knee|back|hip|eyesight)s?"
)
