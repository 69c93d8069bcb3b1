"""Short stories with many plausible continuations, and their recognition.

A story has a hero (a creature or a trade, with a name), an object and a place, any of which the request may name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from random import Random

from .conversation import Sample, ask
from .speaking import PLAIN_SYSTEMS
from .words import NOUNS, any_name, any_word, capitalised, invented, phrases, words

HEROES = words("""
    fox owl bear wolf rabbit mouse cat dog horse turtle frog crow lion tiger monkey dragon robot sailor baker
    farmer painter teacher knight queen king wizard shepherd miller doctor thief giant girl boy fisherman tailor
    gardener singer clockmaker hedgehog squirrel badger goat donkey sparrow whale penguin spider snail captain
    pilot poet hunter princess blacksmith
""")
ADJECTIVES = words("""
    old small brave quiet golden broken shiny clever lonely gentle hungry curious tired proud wooden silver heavy
    strange bright dusty frozen hidden lucky noisy pale rusty secret shy sleepy soft tall tiny warm wild wise
    yellow purple crooked forgotten friendly kind patient stubborn careful sad merry nervous plain round narrow
    deep cold empty foggy ancient blue green black white sleepless humble clumsy graceful polite rude modest
    fearless restless hollow velvet marble copper amber salty sweet bitter thirsty hopeful dreamy stormy
""")
PLACES = words("""
    forest village harbor valley mountain river castle market garden island desert tower mill bridge cave meadow
    swamp town lighthouse library kitchen railway orchard farm beach ruin lake well temple workshop
""")
MOVES = words("""
    walked ran crept climbed wandered hurried sailed marched danced stumbled travelled drifted rode slipped jumped
    swam limped raced
""")
SEEKS = [
    "looked",
    "searched",
    "asked",
    "hoped",
    "waited",
    "longed",
    "dug",
    "called",
    "listened",
    "prayed",
    "fought",
    "worked",
]
DID = words("""
    opened lifted painted carried polished hid mended stole washed found followed painted guarded shook borrowed
    studied buried balanced weighed traded dropped caught lost kicked kissed measured wrapped repaired cleaned
    decorated
""")
SPEECH = [
    "whispered",
    "shouted",
    "laughed",
    "sighed",
    "murmured",
    "answered",
    "sang",
    "cried",
    "promised",
    "admitted",
    "explained",
    "joked",
]
WEATHER = words("""
    snow rain wind sunshine fog thunder starlight moonlight hail smoke music silence frost dust
""")
FEELINGS = words("""
    joy fear pride hope courage wonder relief shame doubt love patience trust anger sorrow calm
""")
TIMES = phrases("""
    One morning | Once upon a time | Long ago | One winter night | In a distant year | Late one evening |
    On a summer day | Many years ago | On the first day of spring | One rainy afternoon | At midnight |
    Before sunrise | During the great storm | One quiet Sunday
""")
LATER = phrases("""
    Soon | Then | Suddenly | Later | After three days | That night | By chance | At last | Without warning |
    At noon | Little by little | Before long | The next morning | In the end | Seven days later | Some hours later
""")
LESSONS = [
    "{feeling} is worth more than any {noun}",
    "a {adjective} heart needs no {noun}",
    "every {noun} has its {adjective} side",
    "{feeling} and {feeling2} can live in one {noun}",
    "even a {adjective} {hero2} can teach us {feeling}",
    "no {place2} is too {adjective} for {feeling}",
    "{feeling} begins where {feeling2} ends",
]

OPENINGS = phrases("""
    {time}, a {adjective} {hero} named {name} lived near a {adjective2} {place}. |
    {time}, {name} the {hero} {move} into a {adjective} {place}. |
    {time}, in the {adjective} {place}, a {hero} called {name} {did} a {adjective2} {object}. |
    {name} was a {adjective} {hero} who loved {weather} and {feeling}. |
    There was once a {hero} named {name}, {adjective} as a {noun} and {adjective2} as {weather}. |
    {time}, {name} the {adjective} {hero} woke up beside a {object}. |
    {adjective} {weather} hung over the {place} when {name} the {hero} {speech}. |
    {time} the {adjective} {object} of {name}, a {hero}, {move} away by itself. |
    Only {number} {noun}s remained in the {place} where the {hero} {name} {seek}. |
    {name} the {hero} had {number} {adjective} {noun}s, a {object} and much {feeling}.
""")
MIDDLES = phrases("""
    {later}, {name} {seek} for a {adjective} {noun} under the {place2}. |
    {later} a {adjective} {hero2} came with {weather} and a {noun}. |
    The {adjective} {hero2} {did} the {noun} and {speech}: "Give me {feeling}!" |
    "Where is my {noun}?" {speech} the {hero2}, full of {feeling}. |
    {name} {did} {number} {adjective} {noun}s, one for each {hero2} in the {place2}. |
    {later} {weather} filled the {place2}, and the {hero} {move} toward a {adjective} {noun}. |
    With {feeling}, {name} {did} the {object} and {move} past the {adjective} {place2}. |
    A {noun} fell, {weather} came, and the {hero2} {speech} about {feeling}. |
    Nobody in the {place} believed that a {hero} {did} such a {adjective} {noun}. |
    {later}, under {adjective} {weather}, a {hero2} and {name} {did} a {noun} together. |
    {name} {speech}, because {feeling} was hidden behind the {adjective} {noun}. |
    But the {object} was {adjective}, and {name} {move} home without {feeling}. |
    From the {place2} came {weather}, a {noun} and {number} {adjective} {hero2}s. |
    Neither the {hero2} nor {name} {did} that {adjective} {noun} again. |
    Between {weather} and {feeling}, {name} {did} every {noun} of the {place2}. |
    {number} {adjective} {hero2}s {move} across the {place2}, {adjective2} with {feeling}. |
    Its {noun} became {adjective}, its {place2} {adjective2}, and {name} {speech} softly. |
    Perhaps {feeling} {did} the {hero}; perhaps {adjective} {weather} did. |
    {later}, behind {number} {noun}s, {adjective} {hero2}s {speech} to {name}.
""")
DETAILS = phrases("""
    Everything there was {adjective}: the {place2}, the {noun}, even the {weather}. |
    The air smelled of {noun} and {weather}, and every {hero2} felt {feeling}. |
    Nothing in that {place2} looked more {adjective} than its {noun}.
""")  # few, and none of them in a story of its own: what refining adds must be likelier than copying on
CLOSINGS = phrases("""
    {later}, {name} learned that {lesson}. | And the {hero} {speech}: "{Lesson}." |
    {later} the {hero} {did} the {object}, and {feeling} came home. |
    Since then, {name} keeps a {adjective} {noun} and remembers that {lesson}. |
    So {name} and the {hero2} {did} the {adjective} {object}, with {feeling} and {weather}.
""")
SLOTS = {
    "adjective": ADJECTIVES,
    "adjective2": ADJECTIVES,
    "hero2": HEROES,
    "noun": NOUNS,
    "place2": PLACES,
    "move": MOVES,
    "did": DID,
    "seek": SEEKS,
    "speech": SPEECH,
    "weather": WEATHER,
    "feeling": FEELINGS,
    "feeling2": FEELINGS,
    "time": TIMES,
    "later": LATER,
    "number": ["two", "three", "four", "five", "six", "seven", "nine", "ten", "twenty"],
}
REQUESTS = phrases("""
    Write a short story about {} | Tell me a story about {} | Create a story about {} |
    Write a story about {} | Tell a short story about {} | I would like a story about {} |
    Once more, a story about {} | A story about {}, please | Make up a story about {} |
    Can you tell me a story about {}?
""")
ANY_STORY = phrases("""
    Write a short story | Tell me a story | Write a story | Create a short story | Tell me a short story |
    A story, please
""")


@dataclass(frozen=True)
class Cast:
    """Who and what a story is about."""

    hero: str
    name: str
    object: str
    place: str


def draw_cast(random: Random) -> Cast:
    """A random cast; now and then with invented words."""
    hero = random.choice(HEROES) if random.random() < 0.85 else invented(random)
    thing = random.choice(NOUNS) if random.random() < 0.85 else any_word(random)
    return Cast(hero, any_name(random), thing, random.choice(PLACES))


def right_articles(text: str) -> str:
    """'a owl' becomes 'an owl'."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def fill(template: str, random: Random, cast: Cast) -> str:
    """A template with its slots drawn and the cast in its places."""
    values = {slot: random.choice(choices) for slot, choices in SLOTS.items()}
    values |= {"hero": cast.hero, "name": cast.name, "object": cast.object, "place": cast.place}
    values["lesson"] = random.choice(LESSONS).format(**values)
    values["Lesson"] = capitalised(values["lesson"])
    return capitalised(right_articles(template.format(**values)))


def tell(random: Random, cast: Cast, middles: int) -> str:
    """A whole story."""
    frames = [random.choice(OPENINGS), *random.sample(MIDDLES, middles), random.choice(CLOSINGS)]
    return " ".join(fill(frame, random, cast) for frame in frames)


@cache
def story_pattern() -> re.Pattern[str]:
    """A regular expression for every sentence that `fill` can say."""
    word = r"[^\W\d_]+"
    slots = {slot: "(?:" + "|".join(map(re.escape, choices)) + ")" for slot, choices in SLOTS.items()}
    slots |= {"hero": word, "name": f"(?:the )?{word}", "object": word, "place": word, "lesson": "§", "Lesson": "§"}
    lessons = "(?:" + "|".join(lesson.format(**slots) for lesson in LESSONS) + ")"
    said = OPENINGS + MIDDLES + DETAILS + CLOSINGS
    frames = [re.escape(frame).replace(r"\{", "{").replace(r"\}", "}") for frame in said]
    text = "|".join(frame.format(**slots).replace("§", lessons) for frame in frames)
    return re.compile(text.replace(r"\ ", " ").replace("a ", "an? ").replace("A ", "An? "), re.IGNORECASE)


def sentences_of(text: str) -> list[str]:
    """The sentences of a story; what is quoted stays inside its sentence."""
    pattern = r"""(?:[^."]|"[^"]*")*?(?:\.(?=\s|$)|"[^"]*[.!?]"(?=\s+["A-Z]|$))"""
    return [part.strip() for part in re.findall(pattern, text)]


def is_story(text: str, wanted: tuple[str, ...] = ()) -> bool:
    """Whether the text is grammatical sentences of stories and names everything wanted."""
    sentences = sentences_of(text)
    complete = "".join(text.split()) == "".join("".join(sentences).split())
    found = set(re.findall(r"[^\W\d_]+", text.lower()))
    return (
        bool(sentences)
        and complete
        and all(story_pattern().fullmatch(sentence) for sentence in sentences)
        and all(name.lower() in found for name in wanted)
    )


def story(random: Random) -> Sample:
    """A story, about what the request names."""
    cast = draw_cast(random)
    article_hero = right_articles(f"a {cast.hero}")
    adjective = random.choice(ADJECTIVES)
    subjects: tuple[tuple[str, tuple[str, ...]], ...] = (
        (right_articles(f"a {adjective} {cast.hero}"), (cast.hero,)),
        (right_articles(f"a {adjective} {cast.hero} named {cast.name}"), (cast.hero, cast.name)),
        (article_hero, (cast.hero,)),
        (article_hero, (cast.hero,)),
        (f"{article_hero} named {cast.name}", (cast.hero, cast.name)),
        (f"{article_hero} called {cast.name}", (cast.hero, cast.name)),
        (cast.name, (cast.name,)),
        (f"{cast.name} the {cast.hero}", (cast.name, cast.hero)),
    )
    subject, wanted = random.choice(subjects)
    request = random.choice(REQUESTS).format(subject)
    if random.random() < 0.12:
        request, wanted = random.choice(ANY_STORY), ()
    answer = tell(random, cast, random.choice((1, 2, 2, 3)))
    while not is_story(answer, wanted):  # a name that the drawn frames happened to leave out
        answer = tell(random, cast, random.choice((2, 3)))
    turns = ask(request + random.choice(("", "", ".")), system=random.choice(PLAIN_SYSTEMS))
    return Sample("stories", turns, answer, lambda text: is_story(text, wanted))


FREE_BEGINNINGS = phrases("""
    A {adjective} {hero} {did} a {adjective2} {object} in the {place}. |
    A {adjective} {hero} left the {place} before dawn. |
    Once there was a {adjective} {hero} named {name}. | {name} lived near a {adjective} {place}. |
    A {hero} {move} into the {place} with a {object}. | There was a {adjective} {hero} in the {place}. |
    {name}, a {adjective} {hero}, {seek} for a {object}. |
    The {hero} was {adjective}, and the {place} was {adjective2}. |
    Once there was a {hero} in a {adjective} {place}. One morning {weather} came. | {name} the {hero} lost a {object}.
""")


def beginning(random: Random, cast: Cast) -> str:
    """A first sentence or two as a person might type them."""
    return " ".join(fill(frame, random, cast) for frame in random.sample(FREE_BEGINNINGS, random.choice((1, 1, 2))))


def raw_story(random: Random) -> str:
    """Plain text for completion without a chat template: a story, or two, one a paragraph."""
    if random.random() < 0.4:
        cast = draw_cast(random)
        more = tell(random, cast, random.choice((2, 3))).split(". ", 1)[1]
        return f"{beginning(random, cast)} {more}"
    count = random.choice((1, 1, 2))
    return "\n\n".join(tell(random, draw_cast(random), random.choice((2, 3, 4))) for _ in range(count))
