"""Lists of English words that the patterns and the gate share."""

from typing import Final

__all__ = [
    "COMMON_OPENERS",
    "FIRST_PERSON",
    "FUNCTION",
    "IMPERATIVES",
    "MACHINERY",
    "NEGATIONS",
    "TASK_NOUNS",
    "TROUBLE",
    "VAGUE",
    "words",
]


def words(text: str) -> frozenset[str]:
    """A set of words, written as a line of them."""
    return frozenset(text.split())


FIRST_PERSON: Final = words(
    "i i'm i've i'd i'll im ive we we're we've we'd we'll my our me us mine ours myself ourselves"
)
NEGATIONS: Final = words("not no never don't doesn't didn't can't cannot won't isn't aren't wasn't haven't hasn't")

FUNCTION: Final = (
    FIRST_PERSON
    | NEGATIONS
    | words(
        "a an the this that these those such it its it's itself he she they him her them his hers their theirs "
        "he's she's they're they've you your yours you're you've you'll you'd yourself y'all ya u ur who whom "
        "whose which what when where why how there here there's that's what's let's and or but so nor yet if then "
        "than because 'cause cause as while though although unless until till since of in on at by for from to "
        "into onto with without about over under after before between during through up down out off again around "
        "near along across behind beside below above inside outside within against toward towards per via is are "
        "was were be been being am do does did doing done have has had having will would shall should can could "
        "may might must ought need dare gonna wanna gotta go goes going went get gets got getting gotten make "
        "makes made making take takes took keep keeps kept let put say says said tell told also too very just "
        "only even still already ever almost quite rather really pretty much many more most less least some any "
        "all both each every either neither other another others same own else few lot lots bit one ones first "
        "last next back now today ago soon later always often sometimes usually maybe perhaps well yes yeah yep "
        "yup nope no ok okay oh ah wow hey hi hello please thanks thank etc like way ways thing things stuff "
        "something anything everything nothing someone anyone everyone anybody everybody somebody kind sort "
        "actually basically literally honestly definitely probably totally absolutely certainly truly especially "
        "though anyway btw lol haha must've could've would've should've might've couldn't wouldn't shouldn't "
        "mustn't they've they'd he'd she'd it'd it'll he'll she'll they'll that'll who's where's"
    )
)
"""Words that carry the grammar of a sentence, or nothing at all."""

VAGUE: Final = words(
    "amazing awesome great good nice cool lovely wonderful beautiful fantastic incredible fabulous brilliant "
    "excellent perfect gorgeous stunning cute sweet fun funny interesting exciting excited inspiring inspired "
    "inspires inspire special important meaningful powerful rewarding fulfilling happy happiness glad joy joyful "
    "proud grateful thankful blessed lucky sorry sad tough hard easy best better worse worst bad huge big small "
    "little new old right wrong true sure fine able ready hope hopes hoping hopeful wish wishing think thinks "
    "thinking thought thoughts feel feels feeling feelings felt know knows knew known guess suppose believe mean "
    "means meant sound sounds look looks looking looked see sees seen saw seeing hear hears heard hearing "
    "understand agree appreciate appreciated love loved loves loving like liked enjoy enjoyed want wants wanted try "
    "trying tried help helps helped helping support supporting supportive share sharing shared talk talking talked "
    "chat chatting start starting started stay find finding found come comes came coming bring brings brought give "
    "gives gave giving show shows showed work works time times day days life lives world moment moments memory "
    "memories journey experience experiences people person friend friends family folks guys everyone heart mind "
    "part idea point reason impact difference change changes positive energy strength courage passion passionate "
    "dream dreams goal goals challenge challenges success chance opportunity community together alone forward far "
    "long while reminder remind reminds remember feedback advice tips kindness words word luck vibes vibe blast "
    "treat boost step steps reach progress sense breath definitely super wow congrats congratulations welcome "
    "cheers care caring worth matter matters count everywhere anywhere somewhere anytime lately recently finally "
    "simply exactly completely deeply"
)
"""Words of feeling, praise and small talk: true of almost anything, so they tell two memories apart seldom."""

IMPERATIVES: Final = words(
    "explain write rewrite give tell add make fix create generate summarize summarise translate suggest recommend "
    "describe convert remove delete implement refactor compare find put list show help check run use build update "
    "improve draft design test debug review analyze analyse calculate compute solve edit change correct shorten "
    "expand elaborate continue format sort count extract replace rename move turn set let try ask answer reply "
    "respond respect provide prepare plan do don't dont stop start pretend act imagine suppose assume consider "
    "think look read open search google fetch get send email call schedule book order print save load install "
    "configure deploy quiz teach walk guide outline brainstorm proofread paraphrase simplify define name pick "
    "choose rank rate evaluate repeat ignore forget skip include exclude keep go proceed redo undo revert import "
    "export merge split combine insert highlight underline sing play roleplay say speak draw paint sketch cook bake "
    "note take see wait hold shut remind mention"
)
"""Verbs that open a request."""

TASK_NOUNS: Final = words(
    "code function script query file files snippet loop class method variable variables string array dataframe "
    "column row rows input output argument parameter regex json csv html css error errors bug bugs exception "
    "traceback issue issues problem problems question questions answer answers response output result results "
    "example examples prompt request message text paragraph sentence sentences word title header essay email letter "
    "poem story draft version option options table chart list image picture screenshot page link line lines test "
    "tests build command terminal console log logs stack import module package docstring comment typo guess point "
    "mistake fault understanding concern idea thought attempt try"
)
"""What the present task is made of: a fact about it is seldom worth keeping."""

MACHINERY: Final = words(
    "code function functions script query file files snippet loop method variable variables string strings array "
    "dataframe column columns row rows parameter regex json csv html css error errors bug bugs exception traceback "
    "prompt paragraph sentence essay button modal dropdown endpoint header param stdout stderr segfault"
)
"""Those of them that hardly mean anything else."""

TROUBLE: Final = words(
    "error errors exception traceback fails failing crash crashes crashed bug bugs broken undefined nan stuck wrong "
    "throws threw raises unexpected warning segfault timeout 404 500"
)
"""Signs that somebody describes what goes wrong just now."""

COMMON_OPENERS: Final = (
    FUNCTION
    | VAGUE
    | IMPERATIVES
    | words(
        "yesterday tomorrow tonight today dear meanwhile however besides instead otherwise therefore first second "
        "third finally luckily unfortunately sadly hopefully apparently although despite including according "
        "speaking everything nothing some once twice never ever both plus minus omg yay aww aw ooh whoa woah phew "
        "hmm um uh er gosh yup nah sure welcome bye goodbye morning evening night christmas love cheers ps nb fyi "
        "imo imho tbh"
    )
)

VERBS: Final = words(
    "is are was were be been have has had do does did live lives lived living work works worked working use uses "
    "used using own owns owned play plays played playing teach teaches taught study studies studied studying speak "
    "speaks spoke drive drives drove run runs ran running eat eats ate eating drink drinks drank sleep sleeps slept "
    "buy buys bought sell sells sold pay pays paid read reads reading write writes wrote writing cook cooks cooked "
    "bake bakes baked paint paints painted build builds built move moves moved moving visit visits visited visiting "
    "travel travels traveled travelled fly flies flew flying meet meets met meeting call calls called join joins "
    "joined start starts started stop stops stopped quit quits leave leaves left leaving stay stays stayed staying "
    "learn learns learned learnt begin begins began become becomes became grow grows grew win wins won lose loses "
    "lost break breaks broke wear wears wore sing sings sang swim swims swam ride rides rode hike hikes hiked train "
    "trains trained recommend recommends prefer prefers preferred hate hates hated adopt adopts adopted marry "
    "married book booked order ordered plan plans planned planning sign signed send sends sent deploy deploys "
    "deployed ship ships shipped rotate rotates migrate migrated switch switched update updated add added remove "
    "removed change changed fix fixed test tested ask asks asked answer answers answered review reviews hold holds "
    "held turn turns turned open opens opened close closes closed cost costs need needs needed let lets set sets "
    "put puts catch caught throw threw teach choose chose decide decided happen happens happened seem seems seemed "
    "stand stands stood sit sits sat wait waits waited watch watches watched listen listens listened follow follows "
    "followed include includes store stores stored save saves saved belong belongs contain contains expire expires "
    "finish finished celebrate celebrated attend attended pass passed fail failed born raise raised die died hurt "
    "hurts hurting avoid avoids rely relies depend depends spend spends spent walk walks walked climb climbed dance "
    "dances danced weigh weighs apply applied accept accepted allergic afraid married vegetarian vegan lives called "
    "named based"
)
"""Forms of common verbs, and adjectives that stand where a verb's object would begin."""

DETERMINERS: Final = words(
    "a an the my our your his her their its this these those some any no every each another two three four five six "
    "seven eight nine ten many several few both of in on at for with from about into under over during through "
    "by as like than without against between per behind beside below above inside outside within near"
)
"""What a noun follows."""
