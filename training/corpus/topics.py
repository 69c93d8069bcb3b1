"""The bilingual table of topics: what each is called and what it does, in English and Portuguese.

Pure data and its parser. A predicate carries its own verb, so the frames around it need no agreement rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """One topic: its names and pairs of predicates (English, Portuguese)."""

    english: str
    portuguese: str
    predicates: tuple[tuple[str, str], ...]


# English name | Portuguese name with its article, then its predicates, English = Portuguese.
TABLE = """
love | o amor
    fills the heart = enche o coração | needs patience = precisa de paciência |
    opens every door = abre todas as portas | grows when it is shared = cresce quando é partilhado
life | a vida
    is a long journey = é uma longa viagem | teaches us every day = ensina-nos todos os dias |
    begins again each morning = recomeça cada manhã | moves forward without waiting = avança sem esperar
time | o tempo
    passes without a sound = passa sem fazer barulho | heals old wounds = cura feridas antigas |
    waits for nobody = não espera por ninguém | turns sand into stone = transforma areia em pedra
the sea | o mar
    sings to the shore = canta para a praia | hides deep secrets = esconde segredos profundos |
    carries the small boats = leva os pequenos barcos | never stops moving = nunca para de se mover
the moon | a lua
    lights the quiet road = ilumina a estrada calma | watches over the sleeping town = vigia a vila adormecida |
    changes its face each week = muda de rosto cada semana | pulls the tides = puxa as marés
the sun | o sol
    warms the cold earth = aquece a terra fria | rises behind the hills = nasce atrás das colinas |
    paints the sky with gold = pinta o céu de ouro | wakes the birds = acorda os pássaros
friendship | a amizade
    makes hard days lighter = torna leves os dias difíceis | grows with trust = cresce com a confiança |
    survives long distances = sobrevive a longas distâncias | listens before it speaks = escuta antes de falar
music | a música
    joins different people = une pessoas diferentes | speaks without words = fala sem palavras |
    fills the empty room = enche a sala vazia | brings back old memories = traz de volta velhas memórias
rain | a chuva
    washes the dusty streets = lava as ruas poeirentas | feeds the thirsty fields = alimenta os campos sedentos |
    taps on the window = bate na janela | fills the river = enche o rio
winter | o inverno
    covers the garden with frost = cobre o jardim de geada | brings long nights = traz noites longas |
    asks for a warm fire = pede um fogo quente | puts the forest to sleep = adormece a floresta
summer | o verão
    brings bright days = traz dias claros | ripens the fruit = amadurece a fruta |
    fills the beaches = enche as praias | smells of salt and grass = cheira a sal e a erva
spring | a primavera
    wakes the flowers = acorda as flores | paints the fields green = pinta os campos de verde |
    brings the swallows home = traz as andorinhas para casa | melts the last snow = derrete a última neve
autumn | o outono
    drops golden leaves = deixa cair folhas douradas | smells of wet earth = cheira a terra molhada |
    invites us to rest = convida-nos a descansar | paints the trees red = pinta as árvores de vermelho
hope | a esperança
    shines in dark hours = brilha nas horas escuras | keeps us walking = mantém-nos a caminhar |
    is a small brave light = é uma pequena luz corajosa |
    whispers that tomorrow will be kinder = sussurra que amanhã será melhor
fear | o medo
    makes small shadows tall = torna altas as sombras pequenas | warns us of danger = avisa-nos do perigo |
    shrinks when we name it = encolhe quando lhe damos nome | hides behind silence = esconde-se atrás do silêncio
courage | a coragem
    takes the first step = dá o primeiro passo | speaks when others are silent = fala quando os outros se calam |
    grows with practice = cresce com a prática | stands up after a fall = levanta-se depois da queda
peace | a paz
    begins with a kind word = começa com uma palavra gentil | grows slowly = cresce devagar |
    rests in a quiet mind = descansa numa mente calma | needs many hands = precisa de muitas mãos
happiness | a felicidade
    lives in simple things = vive nas coisas simples | arrives without warning = chega sem aviso |
    grows when we share it = cresce quando a partilhamos | smiles at strangers = sorri aos estranhos
sadness | a tristeza
    falls like slow rain = cai como chuva lenta | asks for a little silence = pede um pouco de silêncio |
    passes in the end = passa no fim | teaches us to care = ensina-nos a cuidar
home | o lar
    keeps us safe = guarda-nos em segurança | smells of warm bread = cheira a pão quente |
    is where the heart rests = é onde o coração descansa | remembers every voice = lembra-se de cada voz
family | a família
    sits around one table = senta-se à volta de uma mesa | forgives old mistakes = perdoa velhos erros |
    tells the same stories = conta as mesmas histórias | holds us together = mantém-nos unidos
the forest | a floresta
    breathes in green silence = respira em silêncio verde | shelters many animals = abriga muitos animais |
    hides narrow paths = esconde caminhos estreitos | grows without hurry = cresce sem pressa
the river | o rio
    runs to the sea = corre para o mar | shapes the old valley = molda o velho vale |
    carries fallen leaves = leva folhas caídas | sings over the stones = canta sobre as pedras
the mountain | a montanha
    touches the clouds = toca as nuvens | stands against the wind = resiste ao vento |
    keeps snow on its shoulders = guarda neve nos ombros | calls the climbers = chama os alpinistas
the wind | o vento
    shakes the tall trees = abana as árvores altas | pushes the white sails = empurra as velas brancas |
    carries seeds far away = leva sementes para longe | sings under the door = canta debaixo da porta
the city | a cidade
    never sleeps = nunca dorme | shines with a thousand windows = brilha com mil janelas |
    welcomes new people = acolhe gente nova | grows higher every year = cresce mais alto cada ano
the night | a noite
    brings quiet dreams = traz sonhos calmos | covers the roofs = cobre os telhados |
    shows us the stars = mostra-nos as estrelas | cools the hot streets = arrefece as ruas quentes
the morning | a manhã
    opens the windows = abre as janelas | begins with birdsong = começa com o canto dos pássaros |
    smells of fresh coffee = cheira a café fresco | offers a new beginning = oferece um novo começo
books | os livros
    open distant worlds = abrem mundos distantes | keep old voices alive = mantêm vivas vozes antigas |
    wait on the shelf = esperam na estante | teach us to imagine = ensinam-nos a imaginar
dreams | os sonhos
    give colour to the night = dão cor à noite | fly over high walls = voam sobre muros altos |
    speak in riddles = falam em enigmas | show us what we want = mostram o que queremos
dogs | os cães
    guard the house = guardam a casa | run across the field = correm pelo campo |
    love long walks = adoram longos passeios | wait by the door = esperam junto à porta
cats | os gatos
    sleep in the sun = dormem ao sol | walk without a sound = andam sem fazer barulho |
    chase every shadow = perseguem cada sombra | choose the softest chair = escolhem a cadeira mais macia
birds | os pássaros
    sing before dawn = cantam antes da aurora | build careful nests = constroem ninhos cuidadosos |
    cross the wide sky = atravessam o vasto céu | return in spring = voltam na primavera
horses | os cavalos
    run with the wind = correm com o vento | carry the riders home = levam os cavaleiros para casa |
    rest under the oak = descansam debaixo do carvalho | drink from the stream = bebem do ribeiro
trees | as árvores
    give us clean air = dão-nos ar limpo | hold the soil together = seguram o solo |
    remember every season = lembram-se de cada estação | offer shade in summer = oferecem sombra no verão
flowers | as flores
    open in the light = abrem-se à luz | feed the busy bees = alimentam as abelhas ocupadas |
    colour the garden = dão cor ao jardim | turn to the sun = viram-se para o sol
bees | as abelhas
    dance in the hive = dançam na colmeia | make sweet honey = fazem mel doce |
    visit every flower = visitam cada flor | work from dawn to dusk = trabalham de sol a sol
stars | as estrelas
    guide the sailors = guiam os marinheiros | burn far away = ardem muito longe |
    fill the dark sky = enchem o céu escuro | shine above the desert = brilham sobre o deserto
computers | os computadores
    count very fast = contam muito depressa | follow exact orders = seguem ordens exatas |
    store many facts = guardam muitos factos | connect distant rooms = ligam salas distantes
robots | os robôs
    repeat the same task = repetem a mesma tarefa | help in the factory = ajudam na fábrica |
    learn from examples = aprendem com exemplos | never get tired = nunca se cansam
science | a ciência
    asks careful questions = faz perguntas cuidadosas | tests every idea = testa cada ideia |
    corrects its own mistakes = corrige os seus próprios erros | measures the world = mede o mundo
art | a arte
    shows what words cannot = mostra o que as palavras não podem | breaks old rules = quebra velhas regras |
    begins with an empty page = começa com uma página vazia | speaks to the eyes = fala aos olhos
poetry | a poesia
    turns pain into song = transforma a dor em canção |
    finds beauty in small things = encontra beleza nas coisas pequenas | plays with sound = brinca com o som |
    says much with little = diz muito com pouco
history | a história
    repeats its lessons = repete as suas lições | remembers the brave = lembra os corajosos |
    is written by many hands = é escrita por muitas mãos | explains the present = explica o presente
freedom | a liberdade
    needs open doors = precisa de portas abertas | asks for responsibility = pede responsabilidade |
    breathes in the open air = respira ao ar livre | is worth defending = merece ser defendida
truth | a verdade
    comes out slowly = aparece devagar | needs no decoration = não precisa de enfeites |
    stands on its own = sustenta-se sozinha | can be hard to hear = pode ser difícil de ouvir
silence | o silêncio
    says many things = diz muitas coisas | fills the old church = enche a velha igreja |
    calms a busy mind = acalma uma mente ocupada | falls after the storm = cai depois da tempestade
memory | a memória
    keeps faces and places = guarda rostos e lugares | fades little by little = apaga-se pouco a pouco |
    returns with a smell = volta com um cheiro | plays old songs = toca velhas canções
work | o trabalho
    gives shape to the day = dá forma ao dia | asks for focus = pede concentração |
    builds strong hands = constrói mãos fortes | rewards the patient = recompensa os pacientes
school | a escola
    opens young minds = abre mentes jovens | teaches us to read = ensina-nos a ler |
    rings with laughter = ressoa com risos | prepares us for the future = prepara-nos para o futuro
food | a comida
    brings people together = junta as pessoas | tells where we come from = conta de onde viemos |
    tastes better in company = sabe melhor em companhia | warms the whole body = aquece todo o corpo
bread | o pão
    rises in the oven = cresce no forno | smells of morning = cheira a manhã |
    feeds the whole village = alimenta toda a aldeia | is made with patience = é feito com paciência
coffee | o café
    wakes the tired mind = acorda a mente cansada | warms cold hands = aquece as mãos frias |
    begins the working day = começa o dia de trabalho | tastes of dark earth = sabe a terra escura
water | a água
    finds its own way = encontra o seu caminho | gives life to everything = dá vida a tudo |
    wears away the rock = desgasta a rocha | mirrors the sky = espelha o céu
fire | o fogo
    dances in the dark = dança no escuro | cooks our supper = cozinha o nosso jantar |
    eats the dry wood = come a madeira seca | gives light and heat = dá luz e calor
snow | a neve
    falls without a sound = cai sem fazer barulho | covers the roofs in white = cobre os telhados de branco |
    hides every path = esconde todos os caminhos | makes children laugh = faz rir as crianças
travel | a viagem
    widens the mind = alarga a mente | changes how we see home = muda como vemos a nossa casa |
    begins with one step = começa com um passo | collects small surprises = coleciona pequenas surpresas
children | as crianças
    ask simple questions = fazem perguntas simples | play until dusk = brincam até ao anoitecer |
    learn by trying = aprendem a tentar | laugh without reason = riem sem motivo
sleep | o sono
    repairs the body = repara o corpo | closes tired eyes = fecha olhos cansados |
    arrives like a soft wave = chega como uma onda suave | sorts the day's thoughts = arruma os pensamentos do dia
health | a saúde
    asks for daily care = pede cuidado diário | is worth more than gold = vale mais do que ouro |
    begins with good habits = começa com bons hábitos | grows with fresh air = cresce com ar fresco
football | o futebol
    fills the stadium = enche o estádio | unites a whole street = une uma rua inteira |
    needs quick feet = precisa de pés rápidos | ends after ninety minutes = acaba depois de noventa minutos
money | o dinheiro
    buys comfort but not joy = compra conforto mas não alegria | passes from hand to hand = passa de mão em mão |
    needs a careful plan = precisa de um plano cuidadoso | grows with slow saving = cresce com poupança lenta
kindness | a bondade
    costs nothing = não custa nada | returns to the giver = volta a quem a dá |
    softens a hard day = suaviza um dia duro | speaks every language = fala todas as línguas
the garden | o jardim
    grows with daily care = cresce com cuidado diário | smells of mint and roses = cheira a hortelã e rosas |
    rests under the snow = descansa debaixo da neve | feeds bees and birds = alimenta abelhas e pássaros
the old house | a velha casa
    creaks in the wind = range com o vento | keeps many memories = guarda muitas memórias |
    stands by the road = fica junto à estrada | waits for new voices = espera por novas vozes
the train | o comboio
    crosses the green valley = atravessa o vale verde | leaves on time = parte a horas |
    carries sleepy workers = leva trabalhadores sonolentos | whistles in the fog = apita no nevoeiro
the future | o futuro
    begins today = começa hoje | belongs to the curious = pertence aos curiosos |
    is built step by step = constrói-se passo a passo | surprises everyone = surpreende toda a gente
"""

# For a topic that the table does not know: the name is copied, the predicate is one of these.
GENERIC = """
fills the day with light = enche o dia de luz | makes people think = faz as pessoas pensar
has its own quiet beauty = tem a sua própria beleza calma | changes with the seasons = muda com as estações
brings new questions = traz novas perguntas | can surprise a careful eye = pode surpreender um olhar atento
tells a story of its own = conta uma história própria | is easy to remember = é fácil de lembrar
deserves a closer look = merece um olhar mais atento | stays in the mind for years = fica na mente durante anos
finds a place in every heart = encontra lugar em cada coração | makes the evening special = torna a tarde especial
"""


def parse_pair(text: str) -> tuple[str, str]:
    """'a = b' as a pair."""
    english, portuguese = text.split("=")
    return english.strip(), portuguese.strip()


def parse_topic(block: str) -> Topic:
    """One topic of the table: a line of names, and indented lines of predicates."""
    names, predicates = block.split("\n", 1)
    english, portuguese = names.split("|")
    return Topic(
        english.strip(), portuguese.strip(), tuple(parse_pair(predicate) for predicate in predicates.split("|"))
    )


TOPICS: tuple[Topic, ...] = tuple(parse_topic(block) for block in re.split(r"\n(?=\S)", TABLE.strip()))
GENERIC_PREDICATES: tuple[tuple[str, str], ...] = tuple(
    parse_pair(pair) for line in GENERIC.strip().splitlines() for pair in line.split("|")
)
