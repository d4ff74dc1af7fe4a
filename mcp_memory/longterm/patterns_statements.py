"""Facts about people and their world that hold beyond the present task."""

from typing import Final

from mcp_memory.longterm.patterns import (
    ADVERB,
    AM,
    BEFELL,
    COUNT,
    DOES,
    HAPPENED,
    HAVE,
    ILLNESS,
    LASTING,
    OCCASION,
    PERSON,
    SUBJECT,
    Pattern,
    any_of,
    none_of,
    pattern,
)

__all__ = ["POSSESSION", "STATEMENTS"]

_NAME_PART = r"[\w'.-]{2,20}"
_STATE = any_of(
    r"from based_in originally born married divorced single engaged widowed pregnant retired unemployed "
    r"vegetarian vegan pescatarian diabetic celiac coeliac left-handed right-handed colou?r-?blind blind deaf "
    r"dyslexic autistic bilingual allergic intolerant lactose gluten self-employed trans gay queer bisexual "
    r"lesbian jewish muslim christian catholic hindu buddhist atheist fluent certified qualified insured "
    r"\d{1,3}\b(?!\s?(?:%|min|times|percent))"
)
_ACTIVITY = any_of(
    r"training studying preparing learning saving recovering building organi[sz]ing renovating "
    r"writing_(?:an?|my)_(?:\w{2,12}_)?(?:book|novel|thesis|dissertation|memoir|screenplay|phd) "
    r"working_(?:for|as|at|from|with|part|full|towards?|on_(?:an?|my|our)) living staying teaching volunteering "
    r"majoring interning raising expecting breastfeeding dating seeing_a "
    r"taking_(?:care|part|up|classes|lessons|medication) attending running_(?:an?|my|our|for) hosting growing "
    r"collecting restoring practi[sc]ing in_the_(?:middle|process)_of "
    r"(?:on|in)_(?:a|the|my)_(?:diet|team|board|committee|band|choir|club)"
)
_OWNED = any_of(
    "allergy car bike house flat apartment garden degree phd licen[cs]e business company tattoo scholarship "
    "budget visa passport diploma certificate boat piano guitar job side"
)
_OWN_TASK = (
    r"(?!(?:\w{1,12}\s)?(?:code|functions?|scripts?|quer(?:y|ies)|files?|lists?|tables?|inputs?|outputs?|questions?"
    r"|problems?|issues?|errors?|tests?|loops?|class|strings?|data|dataframe|request|prompt|guess|point|mistake|bad"
    r"|understanding|concern|answers?|text|essay|email|letter|bug|program|regex|attempt|apologies|thoughts?|thinking|hope"
    r"|head|mind)\b)"
)
"""`my code`, `our tests`: what the present task is made of, and figures of speech."""
_RECURRING = any_of(
    r"every each daily weekly monthly yearly annually nightly always never usually once_a twice_a times_an? "
    r"on_(?:mon|tues|wednes|thurs|fri|satur|sun)days"
)
_NO_LENGTH = none_of("couple few lot lots bunch hard great good nice wonderful bad blast while")

POSSESSION: Final = pattern(
    "identity",
    "have i've we've own",
    r"\b(?:i|we)(?:(?:'ve got| have got| have| only have| do have)|(?: don't| do not)(?: really)? (?:have|own)) ",
    rf"(?:about |only |around )?(?:{COUNT}|any|enough|no) {_NO_LENGTH}(?!(?:to|the|it|of|that|this)\b)\w",
)
"""Whatever somebody has; what the present task is made of is left out by who uses it."""

_PREFERENCES = (
    pattern(
        "preference",
        "like love hate prefer enjoy adore dislike despise loathe liked loved hated enjoyed preferred disliked",
        rf"{SUBJECT}(?:'d)? {ADVERB}(?:don't (?:really |even |much )?|do not )?",
        any_of("liked? loved? hated? prefer(?:red)? enjoy(?:ed)? adored? disliked? despised? loathed?"),
        rf" {LASTING}\w",
    ),
    pattern(
        "preference",
        "rather prefer",
        rf"{SUBJECT}(?:'d| would) (?:much |really )?(?:rather (?:not )?|prefer ){LASTING}\w",
    ),
    pattern(
        "preference",
        "stand fan big into obsessed passionate crazy keen addicted afraid scared fond picky",
        rf"(?:can't stand|cannot stand|{AM} (?:not )?{ADVERB}",
        any_of(
            "an?_(?:big_|huge_)?fan_of big_on into obsessed_with passionate_about crazy_about keen_on addicted_to "
            "afraid_of scared_of fond_of picky_about"
        ),
        rf") {LASTING}\w",
    ),
    pattern(
        "preference",
        "favorite favourite favorites favourites fave go-to",
        r"\b(?:my|our|all-time|(?:his|her|their|'s)) (?:\w{2,12} )?(?:favou?rites?|faves?|go-to)\b",
    ),
    pattern(
        "preference",
        "loves likes hates prefers enjoys adores dislikes stand love hate like prefer enjoy they",
        rf"\b(?:he|she|they|\w{{2,16}}) {ADVERB}",
        any_of("loves likes hates prefers enjoys adores dislikes can't_stand cannot_stand"),
        rf" {LASTING}\w|\bthey {ADVERB}(?:love|like|hate|prefer|enjoy) {LASTING}\w",
    ),
    pattern(
        "preference",
        "usually always never often rarely tend typically normally mostly",
        rf"{SUBJECT} (?:usually|always|never|often|rarely|tend to|typically|normally|mostly) ",
        none_of(
            "get gets had thought wanted knew felt wonder forget see seem mind know been want feel heard said meant "
            "realized did do"
        ),
        rf"\w{{2,20}} {LASTING}",
    ),
    pattern(
        "preference",
        "eat drink smoke drive cook consume wear fly swim tolerate digest have",
        r"\bi (?:don't|do not|can't|cannot|can only|no longer|never) ",
        any_of("eat drink smoke drive cook consume wear fly swim tolerate digest"),
        r"\b(?! (?:it|that|this)\b)",
        r"|\bi (?:can't|cannot) have (?!(?:it|that|this|an?|the|to|more|any|both|been)\b)\w",
    ),
)
_IDENTITIES = (
    pattern("identity", "name name's", r"\bmy (?:first |last |full |middle |maiden |real )?name(?:'s| is)\b"),
    pattern(
        "identity",
        "i'm im am we're are was were been",
        rf"{AM} (?:(?:now|also|currently|still|actually|both|a bit|originally|very|severely|happily|newly|not) )?",
        _STATE,
    ),
    pattern(
        "identity",
        "i'm im am",
        r"\b(?:i'm|im|i am) (?:also |currently |actually |still |now |just )?(?:an?|the|one of the) ",
        none_of("bit little lot loss huge big fan mess one same only idiot few tad sucker hurry mood dummy"),
        r"[\w'-]{2,20}",
    ),
    pattern(
        "identity",
        "live work teach study studied speak own drive commute volunteer graduated majored grew born raised play "
        "lived worked identify taught major",
        rf"{SUBJECT} {ADVERB}",
        any_of(
            r"live lived work(?:ed)?_(?:at|for|as|in|with|from|on_(?:my|our|an?)|remotely|part|full) "
            r"work(?:ed)?_(?:nights?|shifts?|the_\w{2,12}_shift) "
            r"teach taught study studied major(?:ed)? graduated speak own drive_(?:an?|my|to) commute volunteer "
            r"grew_up was_born was_raised play_(?:the|an?|in|for) identify_as"
        ),
        rf" {LASTING}\w",
    ),
    pattern(
        "identity",
        "have i've we've",
        rf"{HAVE} {ADVERB}(?:{ILLNESS}|{COUNT} {_NO_LENGTH}(?:[\w'-]{{2,20}} ){{0,3}}?(?:{PERSON}|{_OWNED}))\b",
    ),
    pattern(
        "identity",
        "get become easily",
        r"\bi (?:get|become) (?:\w{3,16} ){1,2}(?:easily|quickly|when|if|whenever|after|in the)\b",
    ),
    pattern(
        "identity",
        "used",
        rf"{SUBJECT} used to (?:be|live|work|play|have|own|teach|study|run|drive|smoke|go|love|hate)\b",
    ),
    pattern(
        "identity",
        "use using wear take on",
        rf"{SUBJECT}(?:'m|'re| am| are)? {ADVERB}(?:use|using|wear|take|on) ",
        none_of(
            "the this that it your these those what a_(?:for|while|loop|function|list) place care part time "
            "advantage into to for top"
        ),
        r"\w",
    ),
    pattern("identity", "weigh i'm am", r"\bi weigh \d|\bi(?:'m| am) \d{2,3} ?(?:cm|kg|lbs?|years?)\b"),
    pattern(
        "identity",
        "since for",
        rf"\b(?:i|we)(?:'ve| have) {ADVERB}(?:been|lived|worked|had|known|played|owned|used|taught) ",
        none_of("using_(?:you|it|this|that) trying looking_for getting stuck thinking meaning waiting"),
        r".{2,80}\b(?:since|for (?:the (?:past|last) )?",
        any_of(r"\d an?\b two three four five six seven eight nine ten many several some over almost about years most"),
        ")",
    ),
    pattern(
        "identity",
        "training studying preparing learning saving recovering building organizing organising renovating writing "
        "working living staying teaching volunteering majoring interning raising expecting dating seeing taking "
        "attending running middle process hosting growing collecting restoring practicing practising team board "
        "committee band choir club diet",
        rf"{AM} {ADVERB}{_ACTIVITY}\b",
    ),
    pattern(
        "identity",
        "when if after unless without",
        r"\bi (?:can't |don't |can only )?(?:sleep|work|focus|concentrate|study|eat|wake "
        r"up|function|digest|see|hear)",
        r".{2,60}\b(?:when|if|after|unless|without) (?!(?:it|that|this|you)\b)\w",
    ),
    pattern("identity", "learn only", r"\bi (?:learn best|can only)\b"),
    pattern(
        "identity",
        "language tongue",
        r"\b(?:my (?:first|native|mother|second) (?:language|tongue)|is not my first language)\b",
    ),
    pattern(
        "identity",
        "birthday anniversary address email e-mail phone number job profession hometown height weight budget "
        "timezone zone age",
        r"\b(?:my|our) (?:\w{2,12} ){0,2}(?:birthday|anniversary|address|e-?mail|phone|number|job|profession|hometown"
        r"|height|weight|budget|time ?zone|age)(?:'s| is| was| are)\b",
    ),
)
_RELATIONS = (
    pattern("relation", "my our", rf"^(?:both )?(?:my|our) {_OWN_TASK}(?:{_NAME_PART},? ){{1,5}}?{DOES}\b"),
    pattern("relation", "my our", rf"\b(?:my|our) (?:\w{{2,12}} )?{PERSON}(?:,? [a-z'-]{{2,16}},?){{0,4}}? {DOES}\b"),
    pattern(
        "relation",
        "we",
        r"\bwe (?:only |always |usually |also |all |never |currently |mostly )?",
        any_of(
            r"deploy use host meet live own ship release rent sell serve store speak celebrate alternate "
            r"share_(?:an?|the) squash"
        ),
        rf" {LASTING}\w",
    ),
    pattern(
        "relation",
        "we",
        rf"\bwe have (?:{COUNT}|regular|our) ",
        none_of("question problem bug error issue great good blast lot"),
    ),
    pattern(
        "relation",
        "every each daily weekly monthly yearly annually nightly always never usually once twice times mondays "
        "tuesdays wednesdays thursdays fridays saturdays sundays monday tuesday wednesday thursday friday "
        "saturday sunday",
        "^",
        none_of("if you it this that is in"),
        rf"(?:[\w'.-]{{1,20}},? ){{2,9}}?{_RECURRING}\b",
    ),
    pattern(
        "relation",
        "he's she's they're he she they his her their",
        rf"^(?:he|she|they|his|her|their)(?:'s|'re)? (?:[\w'-]{{2,20}} ){{0,3}}?(?:{_STATE}|an? \w",
        r"|(?:lives?|works?|was born|studies|teaches|called|named|years old|turns?)\b)",
    ),
    pattern(
        "relation",
        "allergic intolerant vegetarian vegan diabetic afraid scared married divorced pregnant retired widowed "
        "deaf blind",
        "^",
        none_of("it this that what who is are if you"),
        r"(?:[\w'.-]{1,20},? ){1,5}?(?:is|are|was) (?:also |very |severely |a bit "
        r")?(?:allergic|intolerant|vegetarian|vegan",
        r"|diabetic|afraid of|scared of|married|divorced|pregnant|retired|widowed|deaf|blind|lactose|gluten)\b",
    ),
    pattern(
        "relation",
        "is are",
        "^",
        none_of("the this that it there what here one"),
        r"[\w'.-]{2,20}(?: [\w'.-]{2,20}){0,2} (?:is|are) (?:my|our) ",
    ),
)
_EFFECTS = (
    pattern(
        "preference",
        "upsets upset irritates triggers hurts calms makes make gives give keeps keep helps help causes",
        "^",
        none_of("it this that you your he she they there what"),
        r"(?:[\w'-]{2,20} ){1,4}?(?:(?:upsets?|irritates?|triggers?|hurts?|calms?|causes?) "
        r"(?:me|my)|(?:makes?|gives?",
        r"|keeps?|helps?) me)\b",
    ),
)
_PLANS = (
    pattern(
        "plan",
        "planning hoping aiming preparing saving flying moving traveling travelling starting leaving visiting "
        "applying considering getting adopting expecting thinking going off",
        rf"{AM} {ADVERB}(?:(?:planning|hoping|aiming|getting ready|preparing|saving(?: up)?) (?:to|on|for|an?|my|our) ",
        rf"{LASTING}|(?:flying|moving|travell?ing|starting|leaving|visiting|applying|considering|getting married",
        rf"|getting an?|adopting|expecting an?) {LASTING}|thinking (?:about|of) (?!(?:it|that|this|the)\b)\w",
        "|(?:going|off) to ",
        none_of(
            "try check see do take_a_look need ask be_honest use run test grab have_to assume guess go_ahead show "
            "tell give let say make_sure"
        ),
        r"\w)",
    ),
    pattern(
        "plan",
        "plan hope aim intend goal goals dream dreams resolution resolutions plans",
        rf"{SUBJECT} {ADVERB}(?:plan|hope|aim|intend) (?:to|on) (?!(?:see|hear|know|do it|do that|this)\b)",
        r"|\b(?:my|our) (?:\w{2,12} ){0,2}(?:plan|goal|dream|aim|resolution)s? (?:is|are|for|was)\b",
    ),
    pattern(
        "plan",
        "have i've we've",
        rf"{HAVE} (?:an?|my|our|two|three|another|to go to) (?:[\w'-]{{2,16}} ){{0,3}}?{OCCASION}\b",
    ),
    pattern(
        "plan",
        "looking wait",
        rf"(?:{AM} (?:really |so |already )?looking forward to|\b(?:i|we) can't wait (?:to|for)) ",
        none_of("it that this hear hearing your (?:see|seeing)_(?:it|you|your|what|how)"),
        r"\w",
    ),
    pattern(
        "plan",
        "want would",
        rf"{SUBJECT} {ADVERB}(?:want|would love|would like) to ",
        any_of(
            r"become learn(?!_(?:more|about_(?:this|that|it))\b) move visit travel retire lose start_(?:an?|my|our) "
            r"study quit stop save buy_(?:an?|my|our) adopt go_(?:to|back) see_the marry propose "
            r"have_(?:kids|children|a_baby) run_(?:an?|the|my) climb improve_my "
            r"get_(?:into|better_at|fit|married|a_(?:job|dog|cat|degree))"
        ),
        r"\b",
    ),
    pattern(
        "plan",
        "i'll we'll will",
        r"\b(?:i'll|we'll|i will|we will) ",
        any_of(
            "be not_be start move visit fly travel arrive leave stay have attend graduate turn retire need_to_be "
            "get_married"
        ),
        " ",
        none_of("happy glad there right back sure able fine ok okay a_look it that this honest careful"),
        r"\w",
    ),
)
_EVENTS = (
    pattern(
        "event",
        "i've we've have",
        rf"\b(?:i|we)(?:'ve| have) {ADVERB}",
        any_of(
            r"been_to visited moved lived worked bought adopted started quit joined graduated finished lost won "
            r"sold become booked signed_up decided_to taken_up switched gotten got_a "
            r"had_(?:two|three|four|surgery)"
        ),
        rf" {LASTING}\w",
    ),
    pattern(
        "event",
        "i've we've was were got am are been",
        r"\b(?:i|we)(?:(?:'ve| have) (?:just |recently )?been|'m| am| are| was| were| got| just got) ",
        rf"{ADVERB}{BEFELL}\b",
    ),
    pattern(
        "event",
        "i we",
        rf"{SUBJECT} {ADVERB}{HAPPENED} {LASTING}",
        none_of("the_(?:same|code|function|script|file|error|test|app|server|import|line)"),
        r"\w",
    ),
    pattern(
        "event",
        "my our",
        rf"\b(?:my|our) (?:\w{{2,12}} )?{PERSON}(?:,? [a-z'-]{{2,16}},?){{0,3}}? {ADVERB}{HAPPENED}\b",
    ),
)

STATEMENTS: Final[tuple[Pattern, ...]] = (
    _PREFERENCES + _IDENTITIES + _EFFECTS + _PLANS + _EVENTS + _RELATIONS + (POSSESSION,)
)
"""In the order in which they are believed: the first that fits names the kind."""
