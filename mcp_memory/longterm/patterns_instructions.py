"""Wishes that hold beyond the present task: how the assistant shall behave, and what it is told to remember."""

from typing import Final

from mcp_memory.longterm.patterns import Pattern, any_of, none_of, pattern
from mcp_memory.longterm.patterns_words import IMPERATIVES

__all__ = ["INSTRUCTIONS"]

_VERB = any_of(" ".join(sorted(IMPERATIVES)))
_ORDER = (
    r"(?:(?:please|just|only|also|you (?:should|must|can)|i(?:'d like| want| would like) you to) )?"
    rf"(?:always|never|no|{_VERB})\b"
)
"""An imperative, as it follows `from now on`."""
_HENCEFORTH = (
    r"(?:from now on|going forward|for future reference|in (?:the )?future|next time|henceforth|by default|as a rule"
    r"|in (?:all|every) (?:of )?(?:your |my |our )?(?:answers?|repl(?:y|ies)|responses?|messages?|emails?))"
)
_WHENEVER = r"\b(?:whenever|every time|each time|any time|anytime) (?:i|you|we) [^,]{2,80}, "
_ADDRESSED = (
    r"(?:^|\bplease |\b(?:and|also|then),? |[;:] |\b(?:must|should|have to|need to) |\bsure (?:to |you )"
    r"|\b(?:want|like|need|expect) you to |\b(?:can|could|would) you |\byou )"
)
_NO_HABIT = none_of(
    r"mind been had got have happy glad good nice fun great a an the my wanted loved thought knew so in on "
    r"wondered looking forget give_up stop know too seem seems was is are will would expected really sure better "
    r"saw heard felt met doubt love enjoy gets? late thankful there here believe underestimate lose going again "
    r"tired easy dull works? feels has \w{2,12}(?:ed|ing|s)"
)
"""`Always` and `never` open memories, encouragement and small talk too."""
_NO_COMFORT = none_of(
    "worry forget know think be_(?:afraid|scared|sad|shy|sorry|silly|so|too|ridiculous|surprised|mad|hard) "
    "give_up miss stress sweat hesitate panic beat lose believe even really have need want see get understand "
    "like mind feel care let mean hold wait stop underestimate judge bother you i we remember doubt look work"
)
_NO_TASK = (
    r"(?!(?:\w{2,12} ){0,3}(?:it|that|this|these|those|them|here|yet|me wrong|there)"
    r"(?:$|[.,!]| (?:file|function|line|one|part|code|time|yet)))"
)
"""`don't touch this file` is about the present task."""
_STATES = r"(?:i|i'm|i've|i'll|we|we're|we've|my|our|the|he|she|he's|she's|they|his|her|their|all|every|no)\b"
_IS = (
    r"(?:is|are|was|has|have|lives?|works?|likes?|loves?|hates?|prefers?|can't|cannot|will|does|doesn't|uses?|runs?)\b"
)
_REMEMBER = r"^(?:please )?(?:(?:can|could|would|will) you (?:please )?)?"

INSTRUCTIONS: Final[tuple[Pattern, ...]] = (
    pattern(
        "instruction",
        "call address refer",
        r"\b(?:call|address|refer to) me (?:as |by )?",
        none_of(
            "back later when if tomorrow at on crazy a an the old soon asap again today maybe and for in to about "
            "this next after before out up it what whatever anytime but by"
        ),
        r"[a-z]",
    ),
    pattern(
        "instruction",
        "remember forget mind note",
        _REMEMBER,
        r"(?:remember|don't forget|keep in mind|bear in mind|make a note|take note|note)",
        rf"(?:(?: that)?:? (?!\w{1, 20} (?:i|we|you|he|she|they)\b){_STATES}(?! (?:time|day|good|old|first|last|one)\b)"
        rf"|(?: that)?: .{{6}}| that (?!\w{1, 20} (?:i|we|you|he|she|they)\b)(?:[\w'.-]{{1,20}} ){{1,4}}?{_IS})",
    ),
    pattern(
        "instruction",
        "save store memorize memorise record reference context",
        _REMEMBER,
        r"(?:(?:save|store|memori[sz]e|record)(?: this)?(?: in (?:your )?memory)?(?:: ?| that )",
        r"|for (?:the record|context|(?:your|future) reference),? ).{6}",
    ),
    pattern("instruction", "always never", _ADDRESSED, r"(?:always|never)(?: ever)? ", _NO_HABIT, r"[a-z]"),
    pattern(
        "instruction",
        "don't dont not never",
        r"(?:^|^(?:also|and|so|then|again),? |\bplease |, (?:so |and |but )?(?:please )?|[;:] (?:please )?)",
        r"(?:don't|do not|dont|never) (?:ever )?",
        _NO_COMFORT,
        _NO_TASK,
        r"[a-z]",
    ),
    pattern(
        "instruction",
        "stop avoid refrain quit",
        r"(?:^|\bplease |, (?:so |and |but )?(?:please )?)(?:stop|quit|avoid|refrain from) ",
        none_of("worrying beating being thinking trying talking believing fighting dreaming it that this"),
        r"(?:\w{3,14}ing\b|(?:long|short|the word|any|all|emoji|jargon|technical|bullet|passive|adverbs))",
    ),
    pattern(
        "instruction",
        "now forward reference future next default henceforth rule all every",
        rf"\b{_HENCEFORTH},? ",
        _ORDER,
    ),
    pattern("instruction", "whenever every each any anytime", _WHENEVER, _ORDER),
    pattern(
        "instruction",
        "now forward future default every each all",
        rf"(?:^|\bplease |\byou |\b(?:and|also) ){_VERB} .{{2,80}}\b(?:{_HENCEFORTH}|every time|each time)[.!]?$",
    ),
    pattern(
        "instruction",
        "answer reply respond speak talk",
        r"^(?:please )?(?:always |only )?(?:answer|reply|respond|speak|talk)(?: to (?:me|us))? (?:always |only "
        r"|just )?",
        r"(?:in|like|with|using) (?!(?:this|that|the|it|my)\b)",
    ),
    pattern(
        "instruction",
        "answers replies responses explanations messages summaries",
        r"^(?:please )?(?:keep|make) (?:all )?(?:of )?(?:your |the )?",
        any_of("answers replies responses explanations messages summaries"),
        r"\b",
    ),
    pattern(
        "instruction",
        "be",
        r"^(?:please )?be (?:more |less |very |always |extremely )?",
        any_of(
            "concise brief direct formal informal polite honest specific succinct terse blunt critical casual precise"
        ),
        r"\b",
    ),
    pattern(
        "instruction",
        "use",
        r"^(?:please )?(?:always |only )?use (?:only )?(?:the )?",
        any_of(
            "metric imperial british american celsius fahrenheit 24-hour 24h iso tabs spaces plain formal "
            "informal emoji he/him she/her they/them si_units short_sentences simple_(?:words|language|english)"
        ),
        r"\b",
    ),
    pattern(
        "instruction",
        "no",
        r"^no (?:more )?(?:\w[\w '-]{2,40},? please\b|",
        any_of(r"emojis? markdown bullet_points? small_talk jargon abbreviations apologies fluff preamble disclaimers"),
        r"\b)",
    ),
    pattern(
        "instruction",
        "stick only prefer favor favour",
        r"^(?:please )?(?:stick (?:to|with)|only use|prefer|favou?r) ",
        none_of("it that this these those them your the_(?:first|second|last|plan)"),
        r"\w",
    ),
    pattern("instruction", "pronouns", r"\b(?:my|our) pronouns are\b"),
)
"""They are looked for even in questions and requests."""
