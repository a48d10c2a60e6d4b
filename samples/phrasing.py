"""Turning a template into one chat line: slots filled, then written the way people type. Seeded."""

import html
import re
from random import Random
from typing import Literal

Mood = Literal["positive", "neutral", "negative"]

SLOTS: dict[str, tuple[str, ...]] = {
    "day": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "part": ("morning", "afternoon", "evening", "night", "weekend"),
    "count": ("2", "3", "4", "5", "6", "7", "8", "9", "10", "12", "15"),
    "price": ("$8", "$10", "$15", "$20", "$25", "$30", "$40", "$50", "$60", "$75", "$100"),
    "outfit": (
    "red dress", "black lace set", "blue bikini", "white shirt", "oversized hoodie", "silk robe",
    "leather jacket", "yoga pants", "green lingerie", "polka dot dress", "heels", "denim shorts",
    ),
    "city": (
        "lisbon", "tokyo", "barcelona", "bali", "rome", "miami", "prague", "cape town", "sydney", "oslo",
        "mexico city", "athens",
    ),
    "city2": ("paris", "vienna", "chicago", "dublin", "seoul", "naples", "porto", "denver"),
    "dish": (
        "lasagna", "tacos", "ramen", "sushi", "pad thai", "pizza", "pancakes", "carbonara", "curry",
        "burgers", "dumplings", "paella",
    ),
    "dish2": ("cheesecake", "croissants", "fried chicken", "avocado toast", "banana bread", "ice cream"),
    "move": ("squats", "deadlifts", "bench press", "pull ups", "lunges", "burpees", "hip thrusts", "planks"),
    "game": (
        "valorant", "elden ring", "minecraft", "mario kart", "zelda", "fortnite", "stardew valley",
        "overwatch", "league", "tetris",
    ),
    "artist": (
        "daft punk", "fleetwood mac", "radiohead", "the weeknd", "billie eilish", "metallica",
        "arctic monkeys", "rosalía", "queen", "gorillaz",
    ),
    "genre": ("techno", "jazz", "metal", "country", "hip hop", "house", "indie", "reggaeton", "punk"),
    "job": ("warehouse", "hospital", "office", "restaurant", "garage", "bank", "bakery", "call center"),
    "pet": ("dog", "cat", "parrot", "rabbit", "hamster", "kitten", "corgi"),
    "petname": ("biscuit", "luna", "pickles", "mochi", "rocky", "pepper", "waffles", "olive", "ziggy"),
}  # fmt: skip

OPENERS = ("haha ", "omg ", "lol ", "hmm ", "well ", "so ", "oh ", "ngl ", "honestly ", "btw ", "aww ", "ok ")
NAMES = (" babe", " hun", " love", " cutie", " dear", " sweetie", " gorgeous")
EMOJI: dict[Mood, tuple[str, ...]] = {
    "positive": ("😍", "🥰", "😘", "❤️", "🔥", "🔥🔥", "😊", "🎉", "💕", "☺️"),
    "neutral": ("🙂", "😅", "👀", "🤔", "😂", "🙈", "✌️"),
    "negative": ("😒", "😡", "💔", "🙄", "😞", "😤", "👎", "😢"),
}
SHORT = {
    "you": "u", "are": "r", "your": "ur", "you're": "ur", "because": "cuz", "going to": "gonna",
    "want to": "wanna", "tonight": "tn", "right now": "rn", "please": "pls", "really": "rly",
    "something": "smth", "honestly": "tbh", "great": "gr8", "tomorrow": "tmrw", "love": "luv",
    "okay": "ok",
}  # fmt: skip

_SLOT = re.compile(r"\{(\w+)\}")
_SHORT = re.compile(r"\b(" + "|".join(sorted(map(re.escape, SHORT), key=len, reverse=True)) + r")\b")


def line(template: str, mood: Mood, random: Random) -> str:
    """One chat line (plain text) of a template."""
    text = _SLOT.sub(lambda slot: random.choice(SLOTS[slot[1]]), template)
    if random.random() < 0.3:
        text = _SHORT.sub(lambda word: SHORT[word[1]] if random.random() < 0.6 else word[1], text)
    if random.random() < 0.2:
        text = random.choice(OPENERS) + text
    if random.random() < 0.15 and mood != "negative":
        text += random.choice(NAMES)
    if random.random() < 0.12:
        text = _typo(text, random)
    if random.random() < 0.1:
        text = text[:1].upper() + text[1:]
    text += random.choice(("", "", "", "", "!", "..", " lol" if mood == "positive" else "."))
    if random.random() < 0.35:
        text += " " + random.choice(EMOJI[mood])
    return text


def plain_line(template: str, mood: Mood, random: Random) -> str:
    """The same without what only English has: slang, pet names, typing errors."""
    text = _SLOT.sub(lambda slot: random.choice(SLOTS[slot[1]]), template)
    return f"{text} {random.choice(EMOJI[mood])}" if random.random() < 0.35 else text


def platform_html(text: str, random: Random) -> str:
    """The line as the platform stores it: in a paragraph, or bare, with entities."""
    escaped = html.escape(text, quote=False).replace("'", "&#039;" if random.random() < 0.2 else "'")
    if random.random() < 0.03:
        return f"<p>{escaped}<br />\n<br />\nxx</p>"
    return f"<p>{escaped}</p>" if random.random() < 0.8 else escaped


def _typo(text: str, random: Random) -> str:
    """Two neighbouring letters inside a word swapped, or the last letter drawn out."""
    if text[-1].isalpha() and random.random() < 0.5:
        return text + text[-1] * random.randint(1, 3)
    at = [m.start() for m in re.finditer(r"(?<=[a-z])[a-z]{2}(?=[a-z])", text)]
    if not at:
        return text
    i = random.choice(at)
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
