"""What fans and creators write about each topic, as templates with {slots}. Fictional."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "es", "de"]
Topic = Literal[
    "small_talk",
    "flirting",
    "custom_content",
    "pay_per_view",
    "pricing",
    "subscription",
    "tips",
    "travel",
    "food",
    "fitness",
    "gaming",
    "music",
    "work_life",
    "pets",
    "compliments",
    "complaints",
]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


@dataclass(frozen=True, slots=True)
class Talk:
    """A topic's lines: a fan's by mood, and the creator's."""

    neutral: tuple[str, ...]
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    creator: tuple[str, ...]


def _talk(neutral: str, positive: str, negative: str, creator: str) -> Talk:
    return Talk(_lines(neutral), _lines(positive), _lines(negative), _lines(creator))


TALK: dict[Topic, Talk] = {
    "small_talk": _talk(
        """hey hows your {day} going
        what are you up to this {part}
        just got home, it's been raining here all {part}
        did you sleep ok last night
        nothing planned for {day}, just relaxing at home
        how was your weekend, mine was pretty quiet
        morning, is the weather nice where you are""",
        """hey you, hope your {day} is going great
        my {part} got so much better seeing you online
        slept so well and the sun is out, lovely {day}
        had such a nice weekend, how was yours
        good morning sunshine, have the best {day}""",
        """ugh what a miserable {day}
        couldn't sleep at all last night, feeling awful
        it has rained all week and i'm so fed up
        worst {part} ever honestly, how are you""",
        """heyy how are you, just woke up here
        not much, lazy {day} at home with coffee
        my {part} is slow too, tell me about your day
        aww good morning, did you sleep well
        just chilling on the couch, you
        it's sunny here finally, might go for a walk this {part}
        have a nice {day}, talk to you later""",
    ),
    "flirting": _talk(
        """are you single, asking for a friend
        what are you wearing this {part}
        so when do i get to take you out on a date
        do you ever think about me when you're in bed
        what would you do if i was next to you right now
        had a dream with you in it last night""",
        """can't stop thinking about you in that {outfit}
        you make me blush every single time
        i would love to kiss you right now
        wish i was cuddled up with you this {part}
        i think i have a huge crush on you
        mmm you're such a tease and i love it""",
        """you only tease me and never mean it
        you flirt with everyone, kinda hurts
        i feel stupid for having a crush on you
        you forgot about our date idea again, whatever""",
        """mmm wish you were here next to me this {part}
        what would you do if i came over in my {outfit}
        you're trouble and you know it
        stoppp you're making me blush
        i had a naughty little dream about you
        come cuddle with me then
        maybe i'd let you steal one kiss""",
    ),
    "custom_content": _talk(
        """i'd like something only for me, you in the {outfit}
        could it be around {count} minutes long
        how many days does a custom take
        would the video have my name in it
        can the custom be outside or only in your room
        sent you my idea for the custom, did you get it""",
        """my custom is perfect, you in the {outfit} wow
        best custom video i ever ordered, you said my name so sweet
        love love love the personal clip you made
        can't wait for my custom, so excited
        you really listened to my idea, the video is amazing""",
        """the custom was nothing like what i asked, no {outfit} at all
        it's been {count} days and no custom video, really annoyed
        you forgot to say my name in the clip, so disappointed
        that custom was half as long as you promised, not happy""",
        """yes customs are open, tell me your idea and how long
        i can do {count} minutes in the {outfit} just for you
        your custom will be ready in {count} days
        filming your personal video this {part}
        what do you want me to say in your clip
        any outfit you like for your custom
        your request made me smile, writing it down""",
    ),
    "pay_per_view": _talk(
        """what's in the locked video you sent
        is the new ppv the one with the {outfit}
        how long is the video if i unlock it
        is it a new set or from last month
        saw the locked message, might open it this {part}
        is there a part two to the last ppv""",
        """just unlocked it and wow, that {outfit} video is so hot
        best ppv so far, loved every minute
        opened it right away, totally worth unlocking
        that locked set was gorgeous, more please
        i watched the video {count} times already, amazing""",
        """i unlocked that and it was {count} seconds, what a joke
        that ppv is the same video as last month, bad
        the locked video was boring, regret opening it
        every message is a locked ppv now, so annoying""",
        """just sent you a locked video, unlock it before it's gone
        new set in your messages, me in the {outfit}
        the full video is {count} minutes, all for you
        did you open what i sent this {part}
        there's a part two if you liked the last one
        you have to unlock it to see the ending
        exclusive video in your inbox babe""",
    ),
    "pricing": _talk(
        """my budget is around {price} this month
        is the price the same for photos and video
        is {price} for the set or for one picture
        do you have a menu with prices
        what do i get for {price}
        is there a cheaper option for just pictures""",
        """{price} is a really fair price, thank you
        great deal, happy to pay {price} for that
        wow the discount is amazing, love it
        nice, your prices are better than most""",
        """{price} is crazy, nobody pays that much
        your prices went up again, not cool
        that's a bad deal for a few pics
        everything costs extra with you, so frustrating""",
        """it's {price} for {count} minutes
        i can do two for the price of one this week
        for you i'd make it {price}
        my menu is pinned, prices start at {price}
        i charge {price} because it takes me a whole {part}
        tell me your budget and i'll see what i can do""",
    ),
    "subscription": _talk(
        """my sub runs out on {day} i think
        does the vip subscription include messages
        how long have i been subscribed now
        is there a bundle for {count} months
        do i lose our chat when the subscription ends
        not sure if auto renew is on""",
        """just renewed for another month, happy to stay
        best subscription i have, not going anywhere
        so glad i subscribed to your page
        {count} months subscribed and still love it here""",
        """thinking the sub isn't worth it any more
        i barely get anything for my subscription lately
        page is dead, nothing new for {count} weeks
        paying every month for nothing, really sad""",
        """thank you for subscribing, welcome to my page
        turn your auto renew on so you don't lose me
        there's a {count} month bundle for my loyal ones
        your subscription includes daily chats with me
        you've been here {count} months, you're family now
        stay one more month, i have plans for this page""",
    ),
    "tips": _talk(
        """do you see it when someone tips
        saving a little tip for {day}
        what do you usually spend your tips on
        is a tip better or buying a set
        sent a small gift, check your notifications""",
        """you deserve a treat, dinner is on me
        spoiling you makes me so happy
        got my bonus so here's a gift for my favourite
        buy yourself something nice, you earned it
        love to spoil you, you're the best""",
        """i tipped and you didn't even notice
        sent you a gift last week and not one word, rude
        last time i tip anyone who ignores me
        feel like you only talk to me when i tip""",
        """omg you tipped, you are too sweet
        thank you so much for the gift, i'm smiling
        you spoil me too much
        i'm putting your tip towards a new {outfit}
        best tipper on my whole page
        that made my {day}, thank you""",
    ),
    "travel": _talk(
        """flying to {city} on {day}
        have you ever been to {city}
        stuck at the airport in {city} for {count} hours
        which is nicer for a trip, {city} or {city2}
        packing for {city}, what's the weather like there
        looking for a hotel near the beach in {city}""",
        """{city} is beautiful, best trip of my life
        just landed in {city} and i love it already
        the view from my hotel in {city} is amazing
        so excited for my holiday in {city}
        road trip to {city2} was so much fun""",
        """my flight to {city} got cancelled, so angry
        lost my luggage in {city}, terrible trip
        the hotel in {city} is awful and dirty
        {count} hours delay, i hate flying""",
        """omg {city} is on my list, take me with you
        i was in {city} last summer, loved the beach
        send me a picture from {city}
        window or aisle seat, tell me everything
        i'm planning a trip to {city2} this spring
        travelling alone to {city} sounds so brave
        try the little streets in {city}, so pretty""",
    ),
    "food": _talk(
        """making {dish} for dinner
        what's your favourite thing to eat, mine is {dish}
        do you cook or order in
        thinking {dish} or {dish2} this {part}
        any good recipe for {dish}
        had {dish} for lunch again""",
        """just had the best {dish} ever, so delicious
        my {dish} came out perfect, so proud
        that {dish2} place downtown is amazing
        yum, homemade {dish} and a glass of wine, lovely {part}""",
        """burned the {dish} again, disgusting
        ordered {dish} and it came cold, gross
        food poisoning from {dish2}, feeling horrible
        my {dish} was so bad i threw it out""",
        """mmm {dish} sounds so good, save me a plate
        i'm such a foodie, i could eat {dish} every day
        tried to bake this {part}, total mess in my kitchen
        coffee and {dish2} is my perfect breakfast
        you cook, i do the dishes, deal
        now i'm hungry, thanks a lot
        {dish} with extra cheese or we can't be friends""",
    ),
    "fitness": _talk(
        """leg day at the gym this {part}
        how often do you work out
        did {count} km run before work
        do you like yoga or weights more
        what's your {move} at now
        trying a new training plan from {day}""",
        """new personal best on {move} today, feeling strong
        gym was amazing, {count} sets of {move}
        lost {count} pounds so far, so happy with my progress
        your workout video got me motivated, love it""",
        """hurt my back doing {move}, so annoyed
        skipped the gym all week, feel terrible
        {move} is killing me, hate leg day
        no progress in {count} weeks, so frustrating""",
        """just back from the gym, {count} sets of {move}
        my legs are dead after {move}
        yoga this {part} then a protein shake
        send me your training plan, i need a new one
        you should see me try {move}, so sweaty
        rest day today, stretching on the floor
        be my gym partner, i need someone to count""",
    ),
    "gaming": _talk(
        """playing {game} this {part}
        what rank are you in {game}
        pc or console for {game}
        have you tried the new {game} update
        need one more for {game} on {day}
        been grinding {game} for {count} hours""",
        """won {count} matches of {game} in a row, so happy
        the new {game} map is awesome
        best {game} night with friends, so much fun
        finally beat the last boss in {game}, amazing feeling""",
        """lost {count} ranked games in {game}, so angry
        {game} servers are down again, sucks
        my team in {game} was horrible, i quit
        the {game} update ruined everything, hate it""",
        """omg i play {game} too, add me
        what's your main in {game}
        streaming {game} this {part}, come watch
        i would carry you in {game}, trust me
        my headset died in the middle of {game}
        loser in {game} owes the winner a favour
        i'm so bad at {game} but i love it""",
    ),
    "music": _talk(
        """listening to {artist} on repeat
        do you like {genre} or more pop
        going to see {artist} live on {day}
        what song is in your last video
        learning {genre} on guitar
        made a {genre} playlist for the {part}""",
        """the {artist} concert was incredible
        new {artist} album is so good, listened {count} times
        this {genre} song makes me so happy, reminds me of you
        love the song you picked, great taste""",
        """{artist} cancelled the show, gutted
        the new {artist} album is so boring
        tickets for {artist} sold out, really sad
        neighbours blasting {genre} all night, hate it""",
        """{artist} is my shower song haha
        send me your {genre} playlist
        i dance to {artist} when nobody watches
        front row for {artist}, take me with you
        vinyl or headphones
        i sing {genre} so badly, you'd laugh
        put {artist} on and think of me""",
    ),
    "work_life": _talk(
        """back at work after lunch, {count} meetings left
        long shift at the {job} today
        what did you do before this job
        working from home on {day}
        my boss wants the report by {day}
        started at the {job} {count} months ago""",
        """got the promotion at the {job}, so happy
        my boss finally said thank you, great day at work
        last day before vacation, feels amazing
        new job at the {job} is going really well""",
        """my boss yelled at me at the {job}, horrible day
        so stressed with work, {count} hours overtime
        got laid off from the {job}, feeling really low
        i hate this job, everyone is so tired and angry""",
        """you work too hard, take a break with me
        how was the {job} today
        tell your boss i said be nice
        i used to work in a {job} too, i get it
        editing videos all {part}, that's my office life
        only {count} hours till you're free
        quit and be my assistant""",
    ),
    "pets": _talk(
        """taking my {pet} {petname} for a walk
        do you have pets
        {petname} is sleeping on my keyboard
        my {pet} turns {count} on {day}
        is your {pet} still a puppy
        at the vet with {petname} this {part}""",
        """{petname} my {pet} learned a new trick, so proud
        got a new {pet} and i'm in love, called {petname}
        my {pet} is the sweetest thing ever
        {petname} got all clear from the vet, so relieved and happy""",
        """{petname} is sick and i'm so worried
        my {pet} ate my shoes, so mad
        had to say goodbye to my {pet} {petname}, heartbroken
        the vet bill for {petname} is terrible""",
        """aww how is {petname}, give kisses from me
        my {pet} won't let me film, always in the shot
        send me a picture of {petname}
        i'm such a {pet} person
        {petname} is the cutest name
        my {pet} steals my side of the bed
        we should do a play date with {petname}""",
    ),
    "compliments": _talk(
        """you changed your hair, right
        is that a new {outfit} in the photo
        who takes your pictures, they look professional
        which one is natural, your eyes are so green
        the {outfit} picture is my wallpaper now""",
        """you look absolutely stunning in that {outfit}
        most beautiful smile i have ever seen
        wow you are gorgeous, those eyes
        you're perfect, inside and out
        that {outfit} was made for you, so beautiful
        i love your laugh, it's so cute""",
        """liked your old look better honestly
        too much filter in the last photo, not a fan
        that {outfit} doesn't suit you, sorry
        you looked sad in the last picture, not your best""",
        """you're too kind, thank you
        aww my cheeks are red now
        glad you like the {outfit}, i picked it for you
        you always know what to say
        i did my hair for {count} hours so thank you
        you have good taste
        that means a lot to me, really""",
    ),
    "complaints": _talk(
        """the video won't load on my phone
        i was charged {price}, is that right
        got {count} messages at once, is that normal
        didn't get what i ordered on {day}
        is somebody else answering your chat""",
        """ok all good now, thank you for fixing it so fast
        got the video now, you're great, thanks
        appreciate you sorting that out, happy again
        sorry i was grumpy, you solved it perfectly""",
        """this feels like a scam, i paid {price} for nothing
        still waiting since {day}, really disappointed
        you never answer me, i feel ignored
        same copy paste message {count} times, so sick of it
        i want my money back, the video is broken
        feels like talking to a bot, awful""",
        """i'm so sorry about that, let me fix it
        i'll resend the video this {part}
        that should not have happened, i'll make it up to you
        please don't be upset with me
        my internet was down for {count} hours, sorry
        i read every message myself, promise
        tell me what went wrong and i'll look""",
    ),
}

# Steps that a script adds on top of the talk, by the engagement action they are.
ACTS: dict[str, tuple[str, ...]] = {
    "price_inquiry": _lines(
        """how much would a {count} minute video be
        how much for the {outfit} set
        what do you charge for that
        how much is it if i take two"""
    ),
    "price_objection": _lines(
        """{price} is too expensive for me
        can't afford {price} this month sorry
        that's too much for a few minutes, any discount
        a bit pricey, would you do {price}"""
    ),
    "custom_request": _lines(
        """do you make custom videos
        can i get a custom with you in the {outfit}
        could you make a video just for me, maybe {count} minutes
        i want to order a custom pic set"""
    ),
    "churn_intent": _lines(
        """i'm going to cancel my subscription
        don't think i will renew on {day}
        thinking about leaving, it's just not the same
        probably gonna unsub after this month"""
    ),
    "complaint": _lines(
        """this was not worth it at all
        you never reply to me anymore
        really disappointed with the last video
        stop sending me the same messages"""
    ),
    "thanks": _lines(
        """thank you, you're the sweetest
        thanks so much for this, made my day
        thank you babe i needed that this {part}
        thx, appreciate you a lot"""
    ),
    "renewal": _lines(
        """just renewed for another month
        renewed my sub this {part}, so you keep me
        ok i resubbed, couldn't stay away
        done, {count} more months with you"""
    ),
    "ppv_offer": _lines(
        """me in the {outfit}, {count} minutes, unlock it
        this one is spicy, made it on {day} for you
        new locked video, the {outfit} comes off at the end
        you asked for it, here's the full {count} minutes"""
    ),
    "mass_message": _lines(
        """good morning to all my favourites, new set with the {outfit} is up
        weekend special for everybody, {count} new photos inside
        who wants to see what i did on {day}
        new video drop this {part}, don't miss it"""
    ),
    "apology": _lines(
        """sorry i fell asleep, reading you now
        hey sorry for the late answer, busy {day}
        sorry babe was filming all {part}, what did i miss"""
    ),
    "closing": _lines(
        """thanks, good night
        ok talk to you tomorrow
        haha ok sweet dreams
        thank you so much, sleep well
        goodnight babe
        sounds good, see you later"""
    ),
}

# Short talk of the fans who write in another language, and of the creator who answers in it.
OTHER_TALK: dict[Language, dict[Topic, Talk]] = {
    "es": {
        "small_talk": _talk(
            """hola, qué haces esta noche
            acabo de llegar a casa, mucho trabajo hoy
            cómo estás hoy""",
            """buenos días preciosa, qué bonito día hace
            siempre me alegra mucho hablar contigo""",
            """qué día tan malo, estoy muy cansado
            no he podido dormir nada esta noche""",
            """hola guapo, qué tal tu día
            aquí tranquila en casa con un café
            cuéntame qué has hecho hoy""",
        ),
        "travel": _talk(
            """mañana viajo a {city} con mi hermano
            conoces {city}, quiero ir este verano
            busco un hotel cerca de la playa en {city}""",
            """{city} es preciosa, el mejor viaje de mi vida
            estoy muy feliz, por fin vacaciones en {city}""",
            """perdí el vuelo a {city}, qué desastre
            el hotel de {city} está muy sucio""",
            """llévame contigo a {city}
            me encanta viajar, mándame una foto de la playa
            cuántos días te quedas en {city}""",
        ),
        "compliments": _talk(
            """te has cambiado el pelo, verdad
            quién te hace las fotos""",
            """eres la mujer más hermosa que he visto
            qué ojos tan bonitos tienes, me encantas""",
            """la última foto no me gustó mucho
            antes me gustaba más tu pelo""",
            """muchas gracias, eres muy dulce conmigo
            me alegra mucho que te guste""",
        ),
        "pay_per_view": _talk(
            """qué hay en el video que me mandaste
            cuánto dura el video nuevo""",
            """acabo de abrir el video y me encantó
            el mejor video hasta ahora, gracias""",
            """el video era muy corto, no me gustó
            otra vez el mismo video que el mes pasado""",
            """te mandé un video nuevo solo para ti
            ábrelo antes de que lo quite
            ya viste lo que te mandé hoy""",
        ),
    },
    "de": {
        "small_talk": _talk(
            """hallo, was machst du heute abend
            ich bin gerade nach hause gekommen
            wie war dein wochenende""",
            """guten morgen, heute ist so ein schöner tag
            ich freue mich immer, wenn du mir schreibst""",
            """was für ein schlechter tag, ich bin so müde
            ich konnte die ganze nacht nicht schlafen""",
            """hallo du, wie geht es dir heute
            ich sitze gerade mit einem kaffee auf dem sofa
            erzähl mir von deinem tag""",
        ),
        "travel": _talk(
            """morgen fliege ich nach {city}
            warst du schon mal in {city}
            ich suche noch ein hotel am strand in {city}""",
            """{city} ist wunderschön, der beste urlaub meines lebens
            ich bin gerade in {city} gelandet und so glücklich""",
            """mein flug nach {city} wurde gestrichen, so ein mist
            das hotel in {city} ist schrecklich und schmutzig""",
            """nimm mich mit nach {city}
            schick mir ein bild vom strand
            wie lange bleibst du in {city}""",
        ),
        "compliments": _talk(
            """hast du deine haare anders
            wer macht eigentlich deine bilder""",
            """du bist die schönste frau, die ich kenne
            deine augen sind einfach wunderschön""",
            """das letzte bild hat mir nicht so gefallen
            früher haben mir deine haare besser gefallen""",
            """das ist so lieb von dir, danke
            schön, dass es dir gefällt""",
        ),
        "pay_per_view": _talk(
            """was ist in dem video, das du geschickt hast
            wie lang ist das neue video""",
            """ich habe das video gerade geöffnet, es ist so schön
            das beste video bisher, vielen dank dafür""",
            """das video war viel zu kurz, das war nichts
            das ist doch das gleiche video wie letzten monat""",
            """ich habe dir ein neues video geschickt, nur für dich
            mach es auf, bevor ich es lösche
            hast du schon gesehen, was ich dir geschickt habe""",
        ),
    },
}
OTHER_CLOSING: dict[Language, tuple[str, ...]] = {
    "es": _lines(
        """gracias, buenas noches
        muchas gracias, hasta mañana"""
    ),
    "de": _lines(
        """danke, gute nacht
        vielen dank, bis morgen"""
    ),
}

# What the platform itself writes into the chat when a fan tips, by the language of the fan's page.
TIP_SENTENCES: dict[Language, str] = {
    "en": "I sent you a ${amount} tip ♥",
    "es": "Te envié una propina de ${amount} ♥",
    "de": "Ich habe dir ein Trinkgeld von ${amount} geschickt ♥",
}


def talk_about(topic: Topic, language: Language) -> Talk:
    """The lines of a topic. Raises KeyError where the language has none."""
    return (TALK if language == "en" else OTHER_TALK[language])[topic]


def topics_in(language: Language) -> frozenset[Topic]:
    """The topics that a language has lines of."""
    return frozenset(TALK if language == "en" else OTHER_TALK[language])


def closing_in(language: Language) -> tuple[str, ...]:
    """What a fan ends a talk with: it asks for no answer."""
    return ACTS["closing"] if language == "en" else OTHER_CLOSING[language]
