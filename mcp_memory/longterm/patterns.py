"""How a sentence shows that it is worth keeping, and as what: general English, compiled once.

Each pattern reads one sentence in lower case, with straight apostrophes and its opening interjections cut off.
Repetitions are bounded and every pattern begins at a word, so that reading takes time in proportion to length.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from mcp_memory.longterm.patterns_words import words

__all__ = ["INSTRUCTIONS", "STATEMENTS", "Kind", "Pattern", "by_trigger"]

Kind: TypeAlias = Literal["preference", "instruction", "identity", "relation", "event", "plan"]


class Pattern(NamedTuple):
    """One way to say a thing of one kind."""

    kind: Kind
    triggers: frozenset[str]
    """It is tried only on sentences that hold one of these words."""
    pattern: re.Pattern[str]


def _pattern(kind: Kind, triggers: str, pattern: str) -> Pattern:
    return Pattern(kind, words(triggers), re.compile(pattern))


def by_trigger(patterns: tuple[Pattern, ...]) -> Mapping[str, tuple[Pattern, ...]]:
    """The patterns to try for each word, in the order of the table."""
    found: dict[str, list[Pattern]] = {}
    for pattern in patterns:
        for trigger in pattern.triggers:
            found.setdefault(trigger, []).append(pattern)
    return {trigger: tuple(patterns) for trigger, patterns in found.items()}


_I = r"\b(?:i|we)"
_AM = r"(?:\b(?:i'm|im|we're|i am|we are|i was|we were|i've been|i have been)\b)"
_HAVE = r"(?:\b(?:i|we)(?:'ve| have)\b)"
_ADVERB = (
    r"(?:(?:really|absolutely|just|also|always|still|usually|actually|truly|totally|kinda|personally|especially|never"
    r"|only|even|finally|recently|already|currently|now|both|all|definitely|probably|mostly|mainly|generally|often"
    r"|typically|normally|rarely|once|do|first|have|had|so|then|both|somewhat|quite|very|much|kind of|sort of)\s){0,3}"
)
_COUNT = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|many|several|some|few|no|\d{1,3})"
_NOT_AT_HAND = (
    r"(?!(?:it|that|this|these|those|them|one|you|your|yours|how|what|when|where|why|whatever|both|either|all of"
    r"|the (?:first|second|third|last|latter|former|other|new|idea|way|sound|look|option|version|one|result|answer)"
    r"|option|version|to (?:know|see|ask|have|get|make|write|create|add|hear|understand|use|be able))\b)"
)
"""The object is not something that only the present conversation can name."""
_NO_TASK = (
    r"(?!(?:(?:an?|the|some|another|one|two|this|my|few|\d+)\s)?(?:\w{1,12}\s){0,2}(?:question|problem|issue|bug|error"
    r"|file|list|table|function|class|dataframe|script|string|array|doubt|idea|feeling|hard time|trouble|point|code|query"
    r"|command|request|favou?r|look|bit|clue|thought|chance|choice|reason|hunch|text|paragraph|prompt|variable)s?\b)"
)

_ROLES = (
    r"(?:from|based in|originally|born|married|divorced|single|engaged|widowed|pregnant|retired|unemployed|vegetarian"
    r"|vegan|pescatarian|diabetic|celiac|coeliac|left-handed|right-handed|colou?r-?blind|blind|deaf|dyslexic|autistic"
    r"|bilingual|allergic|intolerant|lactose|gluten|self-employed|trans|gay|queer|bisexual|lesbian|jewish|muslim"
    r"|christian|catholic|hindu|buddhist|atheist|fluent|certified|qualified|insured|\d{1,3}\b(?!\s?(?:%|min|times|percent)))"
)
_ILLNESS = (
    r"(?:asthma|diabetes|migraines?|adhd|autism|anxiety|depression|cancer|allerg\w{1,4}|epilepsy|eczema|insomnia|vertigo"
    r"|celiac|coeliac|ibs|hiv|dementia|arthritis|\w{3,12}(?:itis|emia|aemia|osis|exia|algia|lexia|pathy|phobia)|type (?:1|2|one|two)"
    r"|high (?:blood|cholesterol)|low blood|bad (?:knee|back|hip|eyesight)s?)"
)
_ACTIVITY = (
    r"(?:training|studying|preparing|learning|saving|recovering|building|organi[sz]ing|moving|renovating|writing (?:an?|my)"
    r"|working (?:for|as|at|from|with|part|full|towards?|on (?:an?|my|our))|living|staying|teaching|volunteering|majoring"
    r"|interning|raising|expecting|breastfeeding|dating|seeing a|taking (?:care|part|up|classes|lessons|medication|a \w+ "
    r"(?:class|course))|attending|running (?:an?|my|our|for)|hosting|growing|collecting|restoring|practi[sc]ing"
    r"|(?:on|in) (?:a|the|my) (?:diet|team|board|committee|band|choir|club))"
)
_DATIVE = r"(?:to (?:me|us)|for (?:me|us))"
_KIN = (
    r"(?:wife|husband|spouse|partner|fianc[eé]e?|boyfriend|girlfriend|mother|father|mom|mum|dad|parents?|brothers?|sisters?"
    r"|siblings?|sons?|daughters?|child|children|kids?|baby|twins?|grand(?:mother|father|ma|pa|parents|son|daughter|kids)"
    r"|uncle|aunt|cousins?|niece|nephew|family|friends?|best friend|roommate|flatmate|neighbou?rs?|boss|manager|colleagues?"
    r"|coworkers?|co-workers?|mentor|tutor|teacher|therapist|doctor|dentist|landlord|landlady|team|dog|cat|pets?|puppy"
    r"|kitten|horse|(?:mother|father|sister|brother|son|daughter)-in-law|step\w{3,8}|ex(?:-\w{4,9})?)"
)
_LIFE_PAST = (
    r"(?:moved|bought|adopted|started|quit|joined|graduated|married|visited|travell?ed|went|met|painted|lost|won|sold"
    r"|hired|fired|failed|passed|signed|enrolled|booked|ordered|attended|celebrated|hosted|organi[sz]ed|launched|founded"
    r"|opened|closed|finished|completed|earned|retired|broke|injured|sprained|donated|volunteered|applied|interviewed"
    r"|accepted|resigned|got (?:married|engaged|divorced|promoted|hired|fired|a new|a job|into|back from|an? \w+ (?:job|dog|cat|car))"
    r"|switched|migrated|upgraded|relocated|inherited|gave birth|had (?:a baby|surgery|an operation|a \w+ (?:surgery|accident))"
    r"|flew|drove to|hiked|camped|ran (?:a|my|the) \w*\s?(?:marathon|race|5k|10k)|became|grew up|took up|took part|built|rented"
    r"|renovated|published|performed|competed|received|discovered|learned to|learnt to|taught|proposed|decided to|chose to|tried out)"
)
_MADE = (
    r"(?:was|were|got|am|are|'ve been|'ve just been|have been|have just been|was just|just got)\s(?:just\s)?"
    r"(?:promoted|hired|fired|diagnosed|laid off|accepted|rejected|admitted|elected|invited|nominated|awarded|raised|born"
    r"|adopted|robbed|injured|transferred|assigned|selected|chosen)"
)
_VERB_3 = (
    r"(?:is|are|was|were|has|have|had|'s|lives?|works?|runs?|uses?|likes?|loves?|hates?|prefers?|wants?|needs?|goes|comes"
    r"|plays?|teaches|studies|moved|got|died|passed|started|turned|turns?|takes?|took|made|makes?|gave|gives?|meets?|met"
    r"|rotates?|deploys?|ships?|closes|opens|starts?|ends?|costs?|belongs?|stands?|stays?|recommends?|wakes?|sleeps?|eats?"
    r"|drives?|speaks?|owns?|keeps?|picks?|helps?|grew|bought|went|can't|cannot|can|doesn't|don't|isn't|will|sits?|lies"
    r"|contains?|expires?|consists?|includes?|provides?|requires?|only|always|never|usually|just)"
)
_NEVER_TASK_SUBJECT = (
    r"(?!(?:\w{1,12}\s)?(?:code|functions?|scripts?|quer(?:y|ies)|files?|lists?|tables?|inputs?|outputs?|questions?|problems?"
    r"|issues?|errors?|tests?|loops?|class|strings?|data|dataframe|request|prompt|guess|point|mistake|bad|understanding"
    r"|concern|answers?|text|essay|email|letter|bug|program|regex|attempt|apologies|thoughts?|thinking|hope|head|mind)\b)"
)
_TIED = (
    r"(?:every|each|daily|weekly|monthly|yearly|annually|nightly|always|never|usually|once a|twice a|on (?:mon|tues|wednes"
    r"|thurs|fri|satur|sun)days?)"
)

INSTRUCTIONS: Final = (
    _pattern("instruction", "call address refer", r"\b(?:call|address|refer to) me (?:as |by )?(?!back|later|when|if|tomorrow"
        r"|at|on|crazy|a|an|the|old|soon|asap|again|today|maybe|and|for|in|to|about|this|next|after|before|out)\b[a-z]"),
    _pattern("instruction", "remember note bear keep save store memorize memorise record aware forget account",
        r"^(?:please |can you |could you )?(?:remember|keep in mind|bear in mind|make a note|take note|note|don't forget|save"
        r"|store|memori[sz]e|for the record|be aware|take into account)(?: this)?(?:(?: that)?:|,? that\b|, )(?! (?:time|day|when)).{8,}"),
    _pattern("instruction", "remember", r"^(?:please |can you |could you )?remember (?:my|our|i|i'm|we|we're|the) (?!time|day|old|good|first)"),
    _pattern("instruction", "always never", r"(?:^|\bplease |\band |\balso |, |: |\bmust |\bshould |\bhave to |\bneed to |\bsure (?:to |you )"
        r"|\bwant you to |\bcan you |\bcould you |\bwould you |\byou )(?:always|never)(?: ever)? (?!mind|been|had|got|have|happy|glad"
        r"|good|nice|fun|great|a|an|the|my|wanted|loved|thought|knew|so|in|on|wondered|looking|forget|give up|stop|know|too|seem"
        r"|seems|was|is|are|will|would|expected|really|sure|better|saw|heard|felt|met|doubt|love|enjoy|gets?|late|thankful|there"
        r"|here|believe|underestimate|lose|going|again|tired|easy|dull|works?|feels|has|going|\w{2,12}(?:ed|ing|s))\b[a-z]"),
    _pattern("instruction", "don't dont not never stop avoid refrain",
        r"(?:^|^(?:also|and|so|then|again),? |\bplease |, (?:so |and |but )?(?:please )?|[;:] (?:please )?)(?:don't|do not|dont|never|"
        r"(?:stop|avoid|refrain from)(?= \w{3,12}ing\b| (?:long|short|the word|using|any|all|emoji|jargon|technical|bullet|passive|adverbs)))"
        r" (?:ever )?(?!worry|forget|know|think|be (?:afraid|scared|sad|shy|sorry|silly|so|too|ridiculous|surprised|mad|hard)"
        r"|give up|miss|stress|sweat|hesitate|panic|beat|lose|believe|even|really|have|need|want|see|get|understand|like|mind|feel"
        r"|care|let|mean|hold|wait|stop|underestimate|judge|bother|you|i|we|want|remember|do (?:it|that|this)$|doubt|look|work"
        r"|(?:\w{2,12} ){0,2}(?:it|that|this|these|those|them|here|yet|me wrong|there)(?:$|[.,!]| file| function| line| one| part| code))[a-z]"),
    _pattern("instruction", "whenever every time future forward default henceforth now rule",
        r"\b(?:from now on|going forward|for future reference|in (?:the )?future|henceforth|by default|as a rule|in (?:all|every) (?:your )?"
        r"(?:answers?|repl(?:y|ies)|responses?|messages?|emails?)|(?:whenever|every time|each time) (?:i|you|we) [^,]{2,80}),? "
        r"(?:please |just |only |you (?:should|must|can) |i (?:want|would like|'d like) you to |i'd like you to )?"
        r"(?!i\b|i'|we\b|we'|my\b|our\b|it\b|he\b|she\b|they\b|the\b|there\b|this\b|that\b|and\b|you\b|things\b)[a-z]"),
    _pattern("instruction", "now future forward default", r"\b(?:add|use|write|answer|reply|respond|format|include|start|end|keep|give|show|put"
        r"|send|ask|speak|sign|call|address|treat|assume|stick)\b.{2,80}\b(?:from now on|going forward|in (?:the )?future|by default"
        r"|every time|each time|in (?:all|every) (?:your )?(?:answers?|repl(?:y|ies)|responses?))"),
    _pattern("instruction", "answer reply respond speak talk", r"^(?:please |and |also )?(?:always |only )?(?:answer|reply|respond|speak|talk)(?: to me| to us)?"
        r" (?:always |only |just )?(?:in|like|with|using) (?!(?:this|that|the|it|my)\b)"),
    _pattern("instruction", "answers replies responses explanations messages summaries",
        r"^(?:please )?(?:keep|make) (?:all )?(?:of )?(?:your |the )?(?:answers|replies|responses|explanations|messages|summaries)\b"),
    _pattern("instruction", "be", r"^(?:please )?be (?:more |less |very |always |extremely )?(?:concise|brief|direct|formal|informal|polite|honest|specific"
        r"|succinct|terse|blunt|critical|casual|precise)\b"),
    _pattern("instruction", "use", r"^(?:please )?use (?:only )?(?:the )?(?:metric|imperial|british|american|celsius|fahrenheit|24-hour|24h|iso|tabs\b"
        r"|spaces|plain|formal|informal|emoji|he/him|she/her|they/them|si units|short sentences|simple (?:words|language))"),
    _pattern("instruction", "no", r"^no (?:more )?(?:emojis?|markdown|bullet points?|small talk|jargon|abbreviations|apologies|fluff|preamble|disclaimers)\b"),
    _pattern("instruction", "pronouns", r"\b(?:my|our) pronouns are\b"),
)  # fmt: skip
"""Wishes that hold beyond the present task. They are looked for even in questions and requests."""

STATEMENTS: Final = (
    # preferences
    _pattern("preference", "like love hate prefer enjoy adore dislike despise loathe", rf"{_I}(?:'d)? {_ADVERB}(?:don't (?:really |even |much )?|do not )?"
        rf"(?:like|love|hate|prefer|enjoy|adore|dislike|despise|loathe)\s{_NOT_AT_HAND}\w"),
    _pattern("preference", "rather prefer", rf"{_I}(?:'d| would) (?:much |really )?(?:rather (?:not )?|prefer ){_NOT_AT_HAND}\w"),
    _pattern("preference", "stand fan into obsessed passionate crazy keen addicted afraid scared fond picky", rf"(?:can't stand|cannot stand|{_AM} (?:not )?{_ADVERB}"
        r"(?:an? (?:big |huge )?fan of|big on|into|obsessed with|passionate about|crazy about|keen on|addicted to|afraid of|scared of"
        rf"|fond of|picky about)) {_NOT_AT_HAND}\w"),
    _pattern("preference", "favorite favourite favorites favourites fave go-to", r"\b(?:my|our|all-time|(?:his|her|their|'s)) (?:\w{2,12} )?(?:favou?rites?|faves?|go-to)\b"),
    _pattern("preference", "loves likes hates prefers enjoys adores dislikes stand love hate like prefer", rf"\b(?:he|she|they|\w{{2,16}}) {_ADVERB}"
        rf"(?:loves|likes|hates|prefers|enjoys|adores|dislikes|can't stand|cannot stand) {_NOT_AT_HAND}\w|\bthey {_ADVERB}(?:love|like|hate|prefer|enjoy) {_NOT_AT_HAND}\w"),
    _pattern("preference", "usually always never often rarely tend typically normally sometimes mostly", rf"{_I} (?:usually|always|never|often|rarely|tend to|typically|normally|mostly) "
        rf"(?!get\b|gets\b|had\b|thought\b|wanted\b|knew\b|felt\b|wonder|forget|see\b|seem|mind\b|know\b|been\b|want\b|feel\b|heard|said|meant|realized|did\b|do\b)\w{{2,}} {_NOT_AT_HAND}"),
    _pattern("preference", "eat drink smoke drive", r"\bi (?:don't|do not|can't|cannot|can only|no longer|never) (?:eat|drink|smoke|drive|cook|consume|wear|fly|swim|tolerate|digest)\b(?! (?:it|that|this)\b)"),
    # identity
    _pattern("identity", "name name's names", r"\bmy (?:first |last |full |middle |maiden |real |nick|user)?\s?name(?:'s| is)\b"),
    _pattern("identity", "i'm im am we're are", rf"{_AM} (?:(?:now|also|currently|still|actually|both|a bit|originally|very|severely|happily|newly|not) )?{_ROLES}"),
    _pattern("identity", "i'm im am", r"\b(?:i'm|im|i am) (?:also |currently |actually |still |now |just )?(?:an?|the|one of the) "
        r"(?!(?:bit|little|lot|loss|huge|big|fan|mess|one|same|only|idiot|few|tad|sucker|hurry|mood|dummy|newbie here)\b)(?:[\w'-]{2,20} ){0,4}[\w'-]{2,20}"),
    _pattern("identity", "live work teach study studied speak own drive commute volunteer graduated majored grew born raised play lived worked identify",
        rf"{_I} {_ADVERB}(?:live|lived|work(?:ed)? (?:at|for|as|in|with|from|on (?:my|our|an?)|remotely|part|full|nights?|shifts?|night)|teach|taught|study|studied|major(?:ed)?|graduated|speak"
        rf"|own|drive (?:an?|my|to)|commute|volunteer|grew up|was born|was raised|play (?:the|an?|in|for)|identify as) {_NOT_AT_HAND}\w"),
    _pattern("identity", "have have we've i've", rf"{_I}(?:'ve got| have| have got|'ve) {_ADVERB}(?:{_ILLNESS}|{_COUNT} (?!(?:couple|few|lot|bunch|hard|great|good|nice|wonderful|bad|blast)\b){_NO_TASK}(?:[\w'-]{{2,20}} ){{0,3}}"
        rf"(?:{_KIN}|allergy|car|bike|house|flat|apartment|garden|degree|phd|licen[cs]e|business|company|tattoo|scholarship|budget|visa|passport|diploma|certificate|boat|piano|guitar|job|side))\b"),
    _pattern("identity", "used", rf"{_I} used to (?:be|live|work|play|have|own|teach|study|run|drive|smoke|go|love|hate)\b"),
    _pattern("identity", "use using wear take", rf"{_I}(?:'m|'re| am| are)? {_ADVERB}(?:use|using|wear|take|on) (?!(?:the|this|that|it|your|these|those|what|a (?:for|while|loop|function|list)|place|care|it|part|time|advantage|into|to|for)\b)\w"),
    _pattern("identity", "weigh", r"\bi weigh \d|\bi'?m? (?:am )?\d{2,3} ?(?:cm|kg|lbs?|years?)\b"),
    _pattern("identity", "since for", rf"{_HAVE} {_ADVERB}(?:been|lived|worked|had|known|played|owned|used|taught) (?!(?:trying|looking for|getting|stuck|thinking|meaning|waiting)\b).{{2,80}}\b(?:since|for (?:the (?:past|last) )?(?:\d|an?\b|two|three|four|five|six|seven|eight|nine|ten|many|several|some|over|almost|about|years|most))"),
    _pattern("identity", "training studying preparing learning saving recovering building organizing organising moving renovating writing working living staying teaching volunteering majoring interning raising expecting dating seeing taking attending running hosting growing collecting restoring practicing practising team board committee band choir club diet",
        rf"{_AM} {_ADVERB}{_ACTIVITY}\b"),
    _pattern("identity", "learn only", r"\bi (?:learn best|can only)\b"),
    _pattern("identity", "language", r"\b(?:my (?:first|native|mother|second) (?:language|tongue)|is not my first language)\b"),
    _pattern("identity", "birthday anniversary address email phone number job profession hometown height weight budget timezone age", r"\b(?:my|our) (?:\w{2,12} ){0,2}"
        r"(?:birthday|anniversary|address|e-?mail|phone|number|job|profession|hometown|height|weight|budget|time ?zone|age)(?:'s| is| was| are)\b"),
    # relations and other lasting facts
    _pattern("relation", "my our", rf"^(?:both )?(?:my|our) {_NEVER_TASK_SUBJECT}(?:[\w'-]{{2,20}},? ){{1,5}}?{_VERB_3}\b"),
    _pattern("relation", "my our", rf"\b(?:my|our) (?:\w{{2,12}} )?{_KIN}(?:,? [a-z'-]{{2,16}},?){{0,4}}? {_VERB_3}\b"),
    _pattern("relation", "we", r"\bwe (?:only |always |usually |also |all |never |currently |mostly )?(?:deploy|use|host|meet|live|own|ship|release|rent|sell|serve|store|speak|celebrate|alternate|share (?:an?|the)|squash"
        rf"|have (?:{_COUNT}|regular|our) (?!(?:question|problem|bug|error|issue|great|good|blast|lot))) ?{_NOT_AT_HAND}"),
    _pattern("relation", "every each daily weekly monthly yearly annually nightly always never usually once twice mondays tuesdays wednesdays thursdays fridays saturdays sundays monday tuesday wednesday thursday friday",
        rf"^(?!if\b|you\b|it\b|this\b|that\b|is\b|in\b)(?:[\w'.-]{{1,20}},? ){{2,9}}?{_TIED}\b"),
    _pattern("relation", "he's she's they're he she they his her their", rf"^(?:he|she|they|his|her|their)(?:'s|'re)? (?:[\w'-]{{2,20}} ){{0,3}}?(?:{_ROLES}|an? \w+|lives?|works?|was born|studies|teaches|called|named|years old|turns? \w+)\b"),
    _pattern("relation", "is are lives works", r"^(?!(?:the|this|that|it|there|what|here|one)\b)[\w'.-]{2,20}(?: [\w'.-]{2,20}){0,2} is (?:my|our) "),
    # plans
    _pattern("plan", "planning going flying moving traveling travelling starting leaving visiting thinking considering hoping expecting saving getting taking meeting gonna looking aiming applying",
        rf"{_AM} {_ADVERB}(?:(?:planning|hoping|aiming|getting ready|preparing|saving(?: up)?) (?:to|on|for|an?|my|our) {_NOT_AT_HAND}|(?:flying|moving|travell?ing|starting|leaving|visiting|applying|considering|getting married|getting an?|adopting|expecting an?) "
        rf"{_NOT_AT_HAND}|(?:thinking (?:about|of)) (?!it|that|this|the)\w|(?:going|off) to (?!(?:try|check|see|do|take a look|need|ask|be honest|use|run|test|grab|have to|assume|guess|go ahead|show|tell|give|let|say|make sure)\b)\w)"),
    _pattern("plan", "plan goal hope dream aim intend", rf"{_I} {_ADVERB}(?:plan|hope|aim|intend) (?:to|on) (?!(?:see|hear|know|do it|do that|this)\b)|\b(?:my|our) (?:\w{{2,12}} ){{0,2}}(?:plan|goal|dream|aim|new year's resolution|resolution)s? (?:is|are|for|was)\b"),
    _pattern("plan", "have i've we've got", rf"{_I}(?:'ve got| have| have got|'ve) (?:an?|my|our|two|three|another|to go to) (?:[\w'-]{{2,16}} ){{0,3}}(?:meeting|appointment|interview|exam|deadline|flight|surgery|operation|wedding|reservation|booking"
        r"|presentation|performance|performance review|review|trip|holiday|vacation|concert|conference|audition|tournament|recital|check-?up|date|race|match|baby on the way|due date)\b"),
    _pattern("plan", "looking forward wait", rf"(?:{_AM} (?:really |so |already )?looking forward to|\b(?:i|we) can't wait (?:to|for)) (?!(?:it|that|this|hear|hearing|your|see (?:it|you|your|what|how)|seeing (?:it|you|your|what|how))\b)\w"),
    _pattern("plan", "want wants would", rf"{_I} {_ADVERB}(?:want|would love|would like) to (?:become|learn|move|visit|travel|retire|lose|start (?:an?|my|our)|study|quit|stop|save|buy (?:an?|my|our)|adopt|go (?:to|back)|see the|marry|propose|have (?:kids|children|a baby)|run (?:an?|the|my)|climb|improve my|get (?:into|better at|fit|married|a (?:job|dog|cat|degree)))\b"),
    _pattern("plan", "i'll we'll will", r"\b(?:i'll|we'll|i will|we will) (?:be|not be|start|move|visit|fly|travel|arrive|leave|stay|have|attend|graduate|turn|retire|need to be|get married) (?!(?:happy|glad|there|right|back|sure|able|fine|ok|okay|sure|a look|it|that|this|honest|careful)\b)\w"),
    # events
    _pattern("event", "i've we've", rf"\b(?:i|we)'ve {_ADVERB}(?:been to|visited|moved|lived|worked|bought|adopted|started|quit|joined|graduated|finished|lost|won|sold|become|booked|signed up|decided to|taken up|switched|gotten|got a|had (?:two|three|four|surgery)) {_NOT_AT_HAND}"),
    _pattern("event", "i we have had", rf"{_I} have {_ADVERB}(?:been to|visited|moved|lived|bought|adopted|started|quit|joined|graduated|lost|won|sold|become|booked|signed up|decided to|taken up|switched)\b"),
    _pattern("event", "was were got am are been just", rf"{_I}(?: |(?='ve)){_ADVERB}{_MADE}\b"),
    _pattern("event", "i we", rf"{_I} {_ADVERB}{_LIFE_PAST} {_NOT_AT_HAND}(?!(?:the (?:same|code|function|script|file|error|test|app|server|import|line))\b)"),
    _pattern("event", "my our", rf"\b(?:my|our) (?:\w{{2,12}} )?{_KIN}(?:,? [a-z'-]{{2,16}},?){{0,3}}? {_ADVERB}{_LIFE_PAST}\b"),
)  # fmt: skip
"""Facts about people and their world that hold beyond the present task."""
