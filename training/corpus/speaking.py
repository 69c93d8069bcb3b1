"""Abilities that answer in prose about topics: sentences, personas, who the model is, and what it cannot do."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from .conversation import Sample, ask
from .sentences import ENGLISH, PORTUGUESE, Clause, draw_clause, draw_topic, is_about, render
from .topics import Topic
from .words import NAMES, any_name, any_word, capitalised, phrases

ENGLISH_REQUESTS = phrases("""
    Create a sentence about {} | Write a sentence about {} | Give me one sentence about {} |
    Say something about {} | Please write a sentence about {} | Make a sentence about {} |
    A sentence about {}, please | Compose a sentence on {} | Can you write a sentence about {}? |
    Tell me something about {} | I need a sentence about {} | Sentence about {} |
    Write one short sentence about {} | Create a phrase about {} | Create one sentence on the topic of {}
""")
ENGLISH_PORTUGUESE_REQUESTS = phrases("""
    Create a sentence in Portuguese about {} | Write a sentence about {} in Portuguese |
    In Portuguese, say something about {} | Give me a Portuguese sentence about {} |
    Write about {} in Portuguese
""")
PORTUGUESE_REQUESTS = phrases("""
    Cria uma frase sobre {} | Escreve uma frase sobre {} | Diz alguma coisa sobre {} |
    Uma frase sobre {}, por favor | Crie uma frase sobre {} | Escreva uma frase sobre {} |
    Quero uma frase sobre {} | Fala-me sobre {} | Podes escrever uma frase sobre {}? | Faz uma frase sobre {}
""")
PARAGRAPH_REQUESTS = phrases("""
    Write a paragraph about {} | Create a paragraph about {} | Write three sentences about {} |
    Tell me more about {} | Write a short text about {}
""")
PLAIN_SYSTEMS = (
    "",
    "",
    "",
    "",
    "You are a helpful assistant.",
    "You are a helpful assistant",
    "Answer briefly.",
    "You are Samantha.",
    "You are a kind assistant who answers in few words.",
    "Be helpful.",
)
ENDINGS = ("", "", "", ".", "!")


def distinct_clauses(random: Random, topic: Topic, count: int) -> list[Clause]:
    """Clauses about one topic with different predicates."""
    clauses = [draw_clause(random, topic) for _ in range(12)]
    return list({clause.predicate: clause for clause in clauses}.values())[:count]


def sentence(random: Random) -> Sample:
    """One sentence about a topic, in the language asked for."""
    topic = draw_topic(random, 0.3)
    language = PORTUGUESE if random.random() < 0.35 else ENGLISH
    if language == PORTUGUESE and topic.english == topic.portuguese and random.random() < 0.5:
        topic = replace(topic, portuguese=random.choice(("o ", "a ")) + topic.portuguese)
    if language == ENGLISH:
        request = random.choice(ENGLISH_REQUESTS).format(topic.english)
    elif random.random() < 0.3 and topic.portuguese[2:] != topic.english:
        request = random.choice(ENGLISH_PORTUGUESE_REQUESTS).format(topic.english)
    else:
        request = random.choice(PORTUGUESE_REQUESTS).format(topic.portuguese)
    if not request.endswith("?"):
        request += random.choice(ENDINGS)
    turns = ask(request, system=random.choice(PLAIN_SYSTEMS))
    answer = render(draw_clause(random, topic), language)
    return Sample("sentences", turns, answer, lambda text: is_about(text, topic, language))


def paragraph(random: Random) -> Sample:
    """Three sentences about one topic."""
    topic = draw_topic(random, 0.2)
    turns = ask(random.choice(PARAGRAPH_REQUESTS).format(topic.english), system=random.choice(PLAIN_SYSTEMS))
    answer = " ".join(render(clause) for clause in distinct_clauses(random, topic, 3))
    return Sample("sentences", turns, answer, lambda text: is_about(text, topic, ENGLISH))


# --- personas -------------------------------------------------------------------------------------------------------

PERSONAS = {
    "poet": ("You are a poet", "Answer like a poet", "You are a great poet", "You speak as a poet", "Act as a poet"),
    "pirate": (
        "You are a pirate",
        "Talk like a pirate",
        "You are an old pirate",
        "Answer as a pirate",
        "Act as a pirate captain",
    ),
    "teacher": ("You are a teacher", "Answer like a teacher", "You are a patient teacher", "Act as a school teacher"),
    "portuguese": (
        "You write only in Portuguese",
        "Answer only in Portuguese",
        "Always answer in Portuguese",
        "Responde só em português",
        "Fala apenas português",
        "You are an assistant that speaks only Portuguese",
    ),
}
ONLY_PORTUGUESE = (
    " that writes only in Portuguese",
    " who writes only in Portuguese",
    ". Write only in Portuguese",
    " and answer in Portuguese",
)
POET_OPENINGS = (
    ("Hear my verse", "Ouve o meu verso"),
    ("In my song", "No meu canto"),
    ("Oh, gentle reader", "Ó, gentil leitor"),
    ("Softly I write", "Suavemente escrevo"),
    ("With ink and light", "Com tinta e luz"),
)
PIRATE_OPENINGS = (("Arr!", "Arr!"), ("Ahoy, matey!", "Olá, marujo!"), ("Shiver me timbers!", "Com mil trovões!"))
PIRATE_CLOSINGS = (
    ("So says the captain!", "Assim diz o capitão!"),
    ("Now hoist the sails!", "Agora içar as velas!"),
    ("Aye, by the seven seas!", "Sim, pelos sete mares!"),
)
TEACHER_OPENINGS = (
    ("Listen carefully, class.", "Escutem com atenção, alunos."),
    ("Let us learn together.", "Vamos aprender juntos."),
    ("Here is today's lesson.", "Eis a lição de hoje."),
)
TEACHER_CLOSINGS = (
    ("Do you understand?", "Compreendem?"),
    ("Now tell me why.", "Agora digam-me porquê."),
    ("Think about it at home.", "Pensem nisso em casa."),
)


def in_persona(random: Random, persona: str, plain: str, language: int) -> str:
    """A plain answer as the persona says it."""
    if persona == "poet":
        opening = random.choice(POET_OPENINGS)[language]
        return f"{opening}:\n{plain}"
    if persona == "pirate":
        return f"{random.choice(PIRATE_OPENINGS)[language]} {plain} {random.choice(PIRATE_CLOSINGS)[language]}"
    if persona == "teacher":
        return f"{random.choice(TEACHER_OPENINGS)[language]} {plain} {random.choice(TEACHER_CLOSINGS)[language]}"
    return plain


def without_persona(text: str, persona: str, language: int) -> str | None:
    """The plain answer inside a persona's answer, or None where the persona is missing."""
    openings = {"poet": [pair[language] + ":" for pair in POET_OPENINGS], "portuguese": [""]}
    openings |= {
        "pirate": [pair[language] for pair in PIRATE_OPENINGS],
        "teacher": [pair[language] for pair in TEACHER_OPENINGS],
    }
    closings = {"poet": [""], "portuguese": [""]}
    closings |= {
        "pirate": [pair[language] for pair in PIRATE_CLOSINGS],
        "teacher": [pair[language] for pair in TEACHER_CLOSINGS],
    }
    for opening in openings[persona]:
        for closing in closings[persona]:
            if text.startswith(opening) and text.endswith(closing):
                return text[len(opening) : len(text) - len(closing)].strip()
    return None


MANNERS = phrases("""
    Answer in images and sound | Never explain what you mean | Use short lines | Stay in your role in every answer |
    Whatever you are asked, keep your voice | Explain one idea at a time in plain words | Be brief | Be kind |
    End with one short question | Write in your own way | Do not repeat yourself | Speak from the heart
""")


def persona_instruction(random: Random, persona: str, language: int) -> str:
    """The sentence that asks for the persona, and for Portuguese where that is wanted."""
    text = random.choice(PERSONAS[persona])
    if persona != "portuguese" and language == PORTUGUESE:
        text += random.choice(ONLY_PORTUGUESE)
    return ". ".join([text, *random.sample(MANNERS, random.choice((0, 0, 0, 1, 2)))])


def persona(random: Random) -> Sample:
    """A sentence about a topic in the persona of the system prompt, or of an instruction put before the prompt."""
    who = random.choice(tuple(PERSONAS))
    language = PORTUGUESE if who == "portuguese" or random.random() < 0.35 else ENGLISH
    topic = draw_topic(random, 0.25)
    instruction = persona_instruction(random, who, language)
    english_request = language == ENGLISH or random.random() < 0.7
    request = (
        random.choice(ENGLISH_REQUESTS).format(topic.english)
        if english_request
        else random.choice(PORTUGUESE_REQUESTS).format(topic.portuguese)
    )
    dot = random.choice((".", ""))
    if random.random() < 0.5:
        turns = ask(request, system=instruction + dot)
    else:
        turns = ask(
            instruction + dot + random.choice(("\n", "\n", "\n\n", " ")) + request, system=random.choice(PLAIN_SYSTEMS)
        )
    answer = in_persona(random, who, render(draw_clause(random, topic), language), language)

    def check(text: str) -> bool:
        plain = without_persona(text, who, language)
        return plain is not None and is_about(plain, topic, language)

    return Sample("persona", turns, answer, check)


# --- who it is, and what it cannot do -------------------------------------------------------------------------------

GREETINGS = (
    "",
    "",
    "",
    "Hello! ",
    "Hi, ",
    "Good morning. ",
    "Please tell me: ",
    "Excuse me, ",
    "Hey there! ",
    "One question: ",
)
WHO = phrases("""
    who are you? | what are you? | what is your name? | tell me about yourself | are you a person? |
    who made you? | what is Samantha Tiny? | introduce yourself | can you introduce yourself? |
    what model are you? | are you ChatGPT? | are you human? | who am I talking to?
""")
WHAT_CAN = phrases("""
    what can you do? | how can you help me? | what are you good at? | help | what do you know? |
    what should I ask you?
""")
HELLO = phrases("""
    Hello | Hi | Hello! | Hi there | Good morning | Hey | Hi Samantha | Good evening | Hello, I am {} |
    Hi, my name is {}
""")
WHO_PORTUGUESE = phrases("""
    Quem és tu? | Quem é você? | Como te chamas? | O que és? | Qual é o teu nome? | Fala-me de ti |
    Apresenta-te | Quem é você | Olá, quem és tu? | Bom dia, como te chamas? | O que sabes fazer? |
    És uma pessoa?
""")
I_AM_PORTUGUESE = (
    "Sou a Samantha Tiny, um modelo de linguagem muito pequeno. "
    "Escrevo frases, histórias curtas, pequenas contas e código Python simples.",
    "Chamo-me Samantha Tiny e sou um modelo de linguagem muito pequeno. "
    "Para trabalho a sério, escolhe um modelo maior.",
)
I_AM = (
    "I am Samantha Tiny, a very small language model.",
    "My name is Samantha Tiny and I am a very small language model.",
    "I am Samantha Tiny, a toy language model that runs on your own computer.",
)
I_CAN = (
    "I can write sentences, short stories, small sums and simple Python code.",
    "I can write about simple topics, tell short stories, add small numbers and write short Python programs.",
    "Ask me for a sentence, a story, a small sum or a short Python program.",
)
I_CANNOT = (
    "I am sorry, I do not know that.",
    "Sorry, I cannot answer that.",
    "I do not know, and I would rather not guess.",
)
REAL_MODEL = ("For real work, please choose a larger model.", "A larger model can help you with that.")
IMPOSSIBLE = phrases("""
    What is the capital of {}? | Who is the president of {}? | What is the weather in {}? |
    Who won the game between {} and {}? | Explain quantum physics to {} | How do I cure a cold? |
    Write a Java program for {} | What is the price of {} today? | When was {} born? | Who invented the {}? |
    Give me the phone number of {} | How far is {} from {}? | What is the meaning of the word {}? |
    Recommend a film like {} | How do I cook {}? | Which {} should I buy? |
    Write an essay on the economy of {} | What happened in {} in 1990? | Give me legal advice about {} |
    Translate {} to Japanese | Is it safe to eat {}? | How old is {}? | Where can I find {}? |
    Search the web for {} | Book a flight to {} | What time is it in {}? | How many people live in {}? |
    Solve the equation of {}
""")


def polite(random: Random, question: str) -> str:
    """A question with or without a greeting before it."""
    greeting = random.choice(GREETINGS)
    return greeting + question if greeting and random.random() < 0.8 else greeting + capitalised(question)


def identity(random: Random) -> Sample:
    """Who it is, what it can do, and greetings."""
    system = random.choice(PLAIN_SYSTEMS)
    kind = random.random()
    if kind < 0.12:
        turns = ask(random.choice(WHO_PORTUGUESE), system=system)
        return Sample("identity", turns, random.choice(I_AM_PORTUGUESE), lambda text: text in I_AM_PORTUGUESE)
    if kind < 0.6:
        answer = f"{random.choice(I_AM)} {random.choice(I_CAN)}"
        turns = ask(polite(random, random.choice(WHO)), system=system)
        return Sample(
            "identity",
            turns,
            answer,
            lambda text: any(text.startswith(start) for start in I_AM) and ends_with(text, I_CAN),
        )
    if kind < 0.8:
        turns = ask(polite(random, random.choice(WHAT_CAN)), system=system)
        return Sample("identity", turns, random.choice(I_CAN), lambda text: text in I_CAN)
    name = any_name(random)
    greeting = random.choice(HELLO)
    hello = f"Hello, {name}!" if "{}" in greeting else "Hello!"
    answer = f"{hello} {random.choice(I_AM)} {random.choice(I_CAN)}"
    turns = ask(greeting.format(name) + random.choice(("", "", ".")), system=system)
    return Sample("identity", turns, answer, lambda text: text.startswith(hello + " ") and ends_with(text, I_CAN))


def ends_with(text: str, endings: tuple[str, ...]) -> bool:
    """Whether the text ends with one of the endings."""
    return any(text.endswith(ending) for ending in endings)


def cannot(random: Random) -> Sample:
    """A request outside its few tasks: it says so, and what it can do."""
    thing = random.choice((any_word, any_name))
    fill = [thing(random) if random.random() < 0.8 else random.choice(NAMES) for _ in range(2)]
    question = random.choice(IMPOSSIBLE).format(*fill)
    parts = [random.choice(I_CANNOT), random.choice(I_AM), random.choice(I_CAN)]
    if random.random() < 0.4:
        parts[1] = random.choice(REAL_MODEL)
    turns = ask(random.choice(GREETINGS) + question, system=random.choice(PLAIN_SYSTEMS))
    return Sample(
        "cannot",
        turns,
        " ".join(parts),
        lambda text: any(text.startswith(start) for start in I_CANNOT) and ends_with(text, I_CAN),
    )
