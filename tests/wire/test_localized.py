"""The platform's sentences in five languages: facts with their amounts, and never what a person says."""

import time
from typing import Any

import pytest

from wire.notices import (
    Purchase,
    Subscription,
    Tip,
    is_notice_text,
    own_words,
    read_notification,
    tip_amount,
    tip_notice,
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("Te envié una propina de $20.00 ♥", 20),
        ("Te he enviado una propina de 1.234,50 € ♥", 1234.5),
        ("Te he enviado 5,00 EUR de propina", 5),
        ("Eu te enviei uma gorjeta de R$ 50,00 ♥", 50),
        ("Enviei-te uma gorjeta de 10,00 € ❤️", 10),
        ("Enviei uma gorjeta de $5.00 para você", 5),
        ("Ich habe dir ein Trinkgeld von 1.234,50 EUR geschickt ♥", 1234.5),
        ("Ich habe Ihnen Trinkgeld in Höhe von 10,00 $ gesendet", 10),
        ("Ich habe dir 20 € Trinkgeld gegeben.", 20),
        ("Je t'ai envoyé un pourboire de 1 234,50 € ♥", 1234.5),
        ("Je vous ai envoyé un pourboire de 5,00\u00a0$", 5),
        ("Ti ho inviato una mancia di 15,00 € ♥", 15),
        ("ti ho mandato una mancia di CHF 1'234.50", 1234.5),
    ],
)
def test_the_whole_sentence_of_a_tip_is_a_tip(text: str, amount: float) -> None:
    assert tip_notice(text) == amount
    assert tip_amount({}, text, by_fan=True) == amount
    assert tip_amount({}, text, by_fan=False) == 0
    assert is_notice_text({}, text)
    assert own_words({"isTip": True}, f"{text} ♥ besos") == "besos"


@pytest.mark.parametrize(
    "text",
    [
        "te envié una propina de 20€ ayer, la viste?",
        "te mando una propina de 20€ mañana",
        "gracias por la propina de 20€",
        "eu te enviei uma gorjeta de 50 reais, não viu?",
        "ich habe dir ein trinkgeld von 20 € geschickt, hast du es gesehen",
        "ich habe dir ein trinkgeld geschickt",
        "je t'ai envoyé un pourboire de 20€ hier",
        "ti ho mandato una mancia di 20€ e una di 30€",
        "ti ho mandato una mancia",
    ],
)
def test_talk_of_a_tip_is_none(text: str) -> None:
    assert tip_notice(text) is None
    assert tip_amount({}, text, by_fan=True) == 0
    assert own_words({}, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Max compró tu mensaje por $25.00",
        "Tu mensaje fue comprado por 25,00 €",
        "Tu publicación ha sido desbloqueada por Max por 8,00 €",
        "Max se ha suscrito a tu perfil por 9,99 €",
        "Max M renovó su suscripción",
        "Tu suscripción a Mia ha sido renovada por 9,99 €",
        "Tu suscripción caduca el 3 de mayo de 2024",
        "Has recibido una propina de 20,00 € de Max",
        "Max comprou a sua mensagem por R$ 25,00",
        "Sua mensagem foi desbloqueada por R$ 1.250,00",
        "Max assinou o seu perfil por R$ 19,90",
        "Max renovou a assinatura por 9,99 €",
        "Max acabou de renovar a sua subscrição por 9,99 €",
        "A sua subscrição foi cancelada",
        "A sua assinatura expira em 3 de maio de 2024",
        "Você recebeu uma gorjeta de R$ 20,00 de Max",
        "Max hat deine Nachricht für 25,00 € gekauft",
        "Deine Nachricht wurde für 1.250,00 EUR freigeschaltet",
        "Max hat dein Profil für 9,99 € abonniert",
        "Max hat sein Abo für 9,99 € verlängert",
        "Dein Abo bei Mia wurde für 9,99 € verlängert",
        "Dein Abo läuft am 3.5.2024 ab",
        "Du hast ein Trinkgeld von 20,00 € von Max erhalten",
        "Max a acheté ton message pour 25,00 €",
        "Votre message a été débloqué pour 1 250,00 €",
        "Max s'est abonné à ton profil pour 9,99 €",
        "Max a renouvelé son abonnement pour 9,99 €",
        "Ton abonnement à Mia a été renouvelé pour 9,99 €",
        "Ton abonnement expire le 3 mai 2024",
        "Tu as reçu un pourboire de 20,00 € de Max",
        "Max ha acquistato il tuo messaggio per 25,00 €",
        "Il tuo messaggio è stato sbloccato per 1.250,00 €",
        "Max si è abbonato al tuo profilo per 9,99 €",
        "Max ha rinnovato il suo abbonamento per 9,99 €",
        "Il tuo abbonamento a Mia è stato rinnovato per 9,99 €",
        "Il tuo abbonamento scade il 3 maggio 2024",
        "Hai ricevuto una mancia di 20,00 € da Max",
    ],
)
def test_a_sentence_of_the_platform_is_a_notice(text: str) -> None:
    assert is_notice_text({}, text)
    assert is_notice_text({}, f"{text} ♥")
    assert own_words({}, f"{text}\ny tu") == f"{text}\ny tu"


@pytest.mark.parametrize(
    "text",
    [
        "compré tu foto por 10€",
        "mi amigo compró tu foto por 10€",
        "ya renové mi suscripción",
        "tu suscripción vale la pena",
        "comprei seu vídeo por 20 reais",
        "meu amigo comprou seu vídeo por 20 reais",
        "assinei seu perfil",
        "ich habe dein video für 10€ gekauft",
        "mein kumpel hat dein video für 10 € gekauft",
        "dein abo ist super",
        "hast du mein trinkgeld von 20 € bekommen",
        "j'ai acheté ta vidéo pour 10€",
        "mon pote a acheté ta vidéo pour 10 €",
        "ton abonnement vaut le coup",
        "ho comprato il tuo video per 10€",
        "un mio amico ha comprato il tuo video per 10 €",
        "il tuo abbonamento costa 10 €",
    ],
)
def test_what_somebody_says_of_a_sale_is_no_notice(text: str) -> None:
    assert not is_notice_text({}, text)
    assert own_words({}, text) == text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "tip", "text": "te envió una propina de 1.234,50 EUR"}, Tip("902", 1234.5, None, "7")),
        ({"type": "tip", "text": "hat dir ein Trinkgeld von 5,00 € geschickt"}, Tip("902", 5.0, None, "7")),
        ({"type": "subscribed", "text": "renovó su suscripción"}, Subscription("902", None, None, True)),
        ({"type": "subscribed", "text": "hat das Abo verlängert"}, Subscription("902", None, None, True)),
        ({"type": "subscribed", "text": "a renouvelé pour 9,99 €"}, Subscription("902", 9.99, None, True)),
        ({"type": "subscribed", "text": "si è abbonato"}, Subscription("902", None, None, False)),
        ({"type": "purchase", "text": "compró tu publicación por 10 €"}, "post"),
        ({"type": "purchase", "text": "hat deinen Beitrag für 10 € gekauft"}, "post"),
        (
            {"type": "purchase", "messageId": 31, "text": "a acheté ton message pour 25,00 €"},
            Purchase("902", "31", 25.0, None),
        ),
    ],
)
def test_a_notification_in_another_language_tells_its_fact(changes: dict[str, Any], expected: Any) -> None:
    base = {"id": 7, "user_id": "100", "user": {"id": 902}}
    assert read_notification(base | changes) == expected


@pytest.mark.parametrize("word", ["a ", "compró ", "hat dein ", "propina ", "Ab Cd "])
def test_a_hostile_text_takes_no_time(word: str) -> None:
    text = (word * 200)[:190] + " compró"
    began = time.thread_time()
    for _ in range(10):
        assert not is_notice_text({}, text)
    assert time.thread_time() - began < 0.5
