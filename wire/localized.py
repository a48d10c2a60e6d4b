"""The platform's own sentences in Spanish, Portuguese, German, French and Italian, as patterns. Pure.

The platform publishes no list of them: these are the plain translations of each English form in
`wire.notices`, in the polite and the familiar address, past and perfect. Verbs stand in the third person,
with their accents, as the platform writes: what somebody says of oneself is another form. Spaces stand for
spaces of any kind, letters for both cases.
"""

from wire.money import MONEY

# No name begins with one of these: "mi amigo", "je", "lui"; "mia" does, where it has a capital letter.
_NO_NAME = (
    "yo|mi|mis|tu|tú|él|ella|un|una|el|la|los|las|que|quien|ya|solo|sólo|siempre|hoy|ayer|no|si|nadie|alguien"
    "|por|pues|eu|meu|minha|ele|ela|um|uma|o|a|os|as|quem|já|só|sempre|hoje|ontem|não|ninguém|alguém|você|vc"
    "|ich|mein|meine|er|sie|ein|eine|der|die|das|wer|schon|nur|immer|heute|gestern|nicht|niemand|jemand|du"
    "|je|j['’]\\S*|mon|ma|il|elle|on|un|une|le|qui|déjà|juste|toujours|hier|personne|quelqu['’]un"
    "|io|mio|(?-i:mia)|lui|lei|uno|chi|già|sempre|oggi|ieri|nessuno|qualcuno|ti|te|me|lo"
)
_NAME_WORD = rf"(?!(?:{_NO_NAME})(?![\w'’]))\S{{0,40}}[^\s,.!?;:]"
_NAME = rf"{_NAME_WORD}(?: {_NAME_WORD}){{0,3}}"
_WHO = rf"(?:{_NAME} )?"
_DATE = r"[^\n.!?]{0,30}\d[^\n]{0,30}"

# A tip, whole, as the fan sends it: each has one sum.
TIPS = "|".join(
    (
        rf"te (?:envié|he enviado|mandé|he mandado) (?:una propina de {MONEY}|{MONEY} de propina)",
        rf"(?:eu )?(?:(?:te|lhe) enviei|enviei-(?:te|lhe)|enviei (?:para|a) (?:você|ti)) "
        rf"(?:uma (?:gorjeta|gratificação) de {MONEY}|{MONEY} de gorjeta)",
        rf"(?:eu )?enviei uma (?:gorjeta|gratificação) de {MONEY} (?:para|a) (?:você|ti)",
        rf"ich habe? (?:dir|ihnen) (?:(?:ein )?trinkgeld (?:in höhe )?von {MONEY}|{MONEY} trinkgeld) "
        r"(?:geschickt|gesendet|gegeben)",
        rf"je (?:t['’]ai|vous ai) envoyé (?:un pourboire de {MONEY}|{MONEY} de pourboire)",
        rf"(?:ti|le) ho (?:inviato|mandato) (?:una mancia di {MONEY}|{MONEY} di mancia)",
    )
)

_ES_THING = "(?:mensaje|publicación|post|contenido|paquete|foto|fotos|vídeo|video|historia|directo)"
_ES_PAGE = "(?:perfil|página|cuenta)"
_PT_THING = "(?:mensagem|publicação|post|conteúdo|pacote|foto|fotos|vídeo|história|live)"
_DE_THING = "(?:nachricht|beitrag|post|inhalt|paket|foto|fotos|bild|video|story|stream)"
_FR_THING = "(?:message|publication|post|contenu|pack|photo|photos|vidéo|story|live)"
_FR_PAGE = "(?:ton|ta|votre) (?:profil|page|compte)"
_IT_THING = "(?:messaggio|post|contenuto|pacchetto|foto|video|storia|diretta)"

_ES = (
    rf"{_WHO}(?:compró|desbloqueó|pagó|acaba de (?:comprar|desbloquear|pagar)"
    r"|ha (?:comprado|desbloqueado|pagado)) "
    rf"tu {_ES_THING} por {MONEY}",
    rf"(?:tu|este|esta|el|la) {_ES_THING} (?:fue|ha sido|se ha) (?:comprad|desbloquead|pagad)[oa]"
    rf"(?: por {_NAME})? por {MONEY}",
    rf"{_WHO}(?:se suscribió|se ha suscrito|se acaba de suscribir) a tu {_ES_PAGE}(?: por {MONEY})?",
    rf"{_WHO}(?:renovó|ha renovado) (?:su|la) suscripción(?: a tu {_ES_PAGE})?(?: por {MONEY})?",
    rf"tu suscripción (?:(?:a|con) {_NAME} )?(?:(?:fue|ha sido|se ha|será|se) )?"
    r"(?:renovad[oa]|renovó|renovará|caducad[oa]|caducó|caducará|caduca|vence|venció"
    r"|cancelad[oa]|canceló|activad[oa])"
    rf"(?: automáticamente)?(?: por {MONEY}| (?:el|hasta) {_DATE})?",
    rf"(?:has recibido|recibiste) una propina de {MONEY}(?: de {_NAME})?",
)
_PT = (
    rf"{_WHO}(?:comprou|desbloqueou|pagou|acabou de (?:comprar|desbloquear|pagar)) "
    rf"(?:a |o )?(?:sua|seu|tua|teu) {_PT_THING} por {MONEY}",
    rf"(?:(?:a |o )?(?:sua|seu|tua|teu)|esta|este) {_PT_THING} foi (?:comprad|desbloquead|pag)[oa]"
    rf"(?: por {_NAME})? por {MONEY}",
    rf"{_WHO}(?:assinou|subscreveu|acabou de (?:assinar|subscrever)) (?:a |o )?"
    rf"(?:sua|seu|tua|teu) (?:perfil|página|conta)(?: por {MONEY})?",
    rf"{_WHO}(?:renovou|acabou de renovar) (?:a |sua |a sua )?(?:assinatura|subscrição)(?: por {MONEY})?",
    rf"(?:a )?(?:sua|tua) (?:assinatura|subscrição) (?:(?:de|a) {_NAME} )?(?:(?:foi|será) )?"
    r"(?:renovada|renovou|expirou|expirada|expira|expirará|vence|venceu|cancelada|terminou|ativada)"
    rf"(?: automaticamente)?(?: por {MONEY}| (?:em|a|até) {_DATE})?",
    rf"(?:você )?(?:recebeu|recebeste) uma (?:gorjeta|gratificação) de {MONEY}(?: de {_NAME})?",
)
_DE = (
    rf"{_WHO}hat (?:gerade )?(?:deine?n?|ihren?) {_DE_THING} für {MONEY} "
    r"(?:gekauft|freigeschaltet|entsperrt|bezahlt)",
    rf"(?:deine?|ihre?|diese[rs]?) {_DE_THING} wurde (?:von {_NAME} )?für {MONEY} "
    rf"(?:von {_NAME} )?(?:gekauft|freigeschaltet|entsperrt|bezahlt)",
    rf"{_WHO}hat (?:gerade )?(?:dein|ihr) (?:profil|konto) (?:für {MONEY} )?abonniert",
    rf"{_WHO}hat (?:gerade )?(?:deine seite) (?:für {MONEY} )?abonniert",
    rf"{_WHO}hat (?:sein|ihr|das) (?:abo|abonnement) (?:für {MONEY} )?(?:verlängert|erneuert)",
    rf"(?:dein|ihr) (?:abo|abonnement) (?:(?:bei|von|für) {_NAME} )?(?:wurde|wird|ist|läuft) "
    rf"(?:(?:automatisch|für {MONEY}|am {_DATE}) ){{0,2}}"
    r"(?:verlängert|erneuert|abgelaufen|ab|aus|gekündigt|beendet|aktiviert)",
    rf"(?:du hast|sie haben) (?:ein )?trinkgeld (?:in höhe )?von {MONEY} (?:von {_NAME} )?"
    r"(?:erhalten|bekommen)",
)
_FR = (
    rf"{_WHO}(?:a (?:acheté|débloqué|payé)|vient d['’]acheter|vient de (?:débloquer|payer)) "
    rf"(?:ton|ta|tes|votre|vos) {_FR_THING} pour {MONEY}",
    rf"(?:ton|ta|votre|ce|cette) {_FR_THING} a été (?:acheté|débloqué|payé)e?(?: par {_NAME})? pour {MONEY}",
    rf"{_WHO}(?:s['’]est abonnée?|vient de s['’]abonner) à {_FR_PAGE}"
    rf"(?: pour {MONEY})?",
    rf"{_WHO}(?:a renouvelé|vient de renouveler) son abonnement(?: à {_FR_PAGE})?"
    rf"(?: pour {MONEY})?",
    rf"(?:ton|votre) abonnement (?:à {_NAME} )?(?:a été|sera|a|est) ?"
    r"(?:automatiquement )?(?:renouvelé|expiré|résilié|annulé|terminé|activé)"
    rf"(?: pour {MONEY}| (?:le|jusqu['’]au) {_DATE})?",
    rf"(?:ton|votre) abonnement (?:à {_NAME} )?(?:expire|expirera|se termine|se renouvelle)(?: le {_DATE})?",
    rf"(?:tu as|vous avez) reçu un pourboire de {MONEY}(?: de {_NAME})?",
)
_IT = (
    rf"{_WHO}ha (?:appena )?(?:acquistato|comprato|sbloccato|pagato) "
    rf"(?:il tuo|la tua|le tue|i tuoi) {_IT_THING} per {MONEY}",
    rf"(?:il tuo|la tua|questo|questa) {_IT_THING} è stat[oa] (?:acquistat|comprat|sbloccat|pagat)[oa]"
    rf"(?: da {_NAME})? per {MONEY}",
    rf"{_WHO}si è (?:appena )?(?:abbonat|iscritt)[oa] (?:al tuo (?:profilo|account)|alla tua pagina)"
    rf"(?: per {MONEY})?",
    rf"{_WHO}ha (?:appena )?rinnovato (?:il suo |l['’])abbonamento(?: per {MONEY})?",
    rf"il tuo abbonamento (?:a {_NAME} )?(?:(?:è stato|sarà|è|si) )?"
    r"(?:automaticamente )?(?:rinnovato|rinnova|rinnoverà|scaduto|scade|scadrà"
    r"|annullato|disdetto|terminato|attivato)"
    rf"(?: automaticamente)?(?: per {MONEY}| (?:il|fino al) {_DATE})?",
    rf"hai ricevuto una mancia di {MONEY}(?: da {_NAME})?",
)
SENTENCES = "|".join((*_ES, *_PT, *_DE, *_FR, *_IT))

# Every sentence has one of these in it, in lower case.
WORDS = (
    *("propina", "gorjeta", "gratificação", "trinkgeld", "pourboire", "mancia"),
    *("comprado", "comprada", "compró", "comprar", "comprou", "acheté", "acheter", "acquistat", "comprat"),
    *("gekauft", "bezahlt", "pagó", "pagado", "pagada", "pagar", "pagou", "pago por", "paga por"),
    *("payé", "payer", "pagato", "pagata", "desbloque", "freigeschaltet", "entsperrt", "débloqu", "sblocca"),
    *("suscri", "assinou", "assinat", "assinar", "subscreve", "subscriç", "renovou"),
    *("abonn", " abo ", "abbona", "iscritt"),
)

# In a notification, whose kind is known: what tells a renewal from the first time, and a post from a message.
RENEWED = "renov(?:ó|ado|ou|ada)|verlängert|erneuert|renouvel\\w+|rinnov\\w+"
POST = "publicación|publicação|publicações|publicaciones|beitrag|beiträge|publications?"
