"""The words and emoji that close a talk, as `chats.closers` reads them. Data alone.

Capitals, accents, apostrophes and drawn-out letters need no entry: texts and entries are folded alike.
"""

# spelling: how else it is written
SPELLINGS = """
    thanks: thx thnx thanx tnx tks thks thnks thansk thnaks thanku thankyou ty tysm tyvm tyty cheers
    thank: thnak thnk
    ok: k okay okey oki okie okies oke kay mkay okok
    you: u ya yu
    your: ur yr youre
    that: thats dats
    its: it's
    love: luv lov
    good: gud gd
    great: gr8
    night: nite nigth nyt nights nighty nightie
    goodnight: goodnite gnight gnite gn gn8 goodnigth
    tomorrow: tmrw tmr tmw tomorow tomoz 2moro 2morrow 2mrw
    see: c
    later: l8r laters ltr
    goodbye: gbye goodby
    alright: aight ight
    will: ill
    pic: pics photo photos picture pictures video videos vid vids
    chat: chatting talking convo
"""

# The phrases of each rule, one a line. "a/b" is one of them, "a/" may be left out, "_" is a space inside one.
PHRASES = {
    "thanks": """
        many/ thanks/thank_you so_much/very_much/a_lot/again/anyway/a_million/a_bunch/
        thanks/thank_you so_much/again/ for the/your/that/this/ chat/pic/reply/time/help/info
        thanks/thank_you so_much/again/ for everything/letting_me_know/sharing/today/tonight/that/all
        really/ appreciate/appreciated it/you/
        much appreciated
        muchas/mil/muchisimas/ gracias/grax por_todo/
        vielen/ dank/danke schon/dir/sehr/fur_alles/
        dankeschon/dankeschoen/danke_schoen
        muito/mt/ obrigado/obrigada/obg/brigado/brigada/valeu/vlw por_tudo/
        merci/mci/mrc beaucoup/bcp/pour_tout/
        grazie/grz mille/tante/di_tutto/di_cuore/
    """,
    "farewell": """
        goodnight/good_night/night/night_night
        hope_you/ have/enjoy a/your/ good/great/nice/lovely/wonderful/ day/night/evening/weekend/one/sleep
        have/enjoy a/your/ good/great/nice/lovely/sweet/ morning/afternoon/week/rest/dreams
        have/enjoy a/the good/great/nice/lovely/ rest_of_your day/night/evening/weekend/week
        hope_you/ sleep/rest well/tight/good
        good/ sweet dreams
        bye/goodbye/good_bye/bubye/ttyl/ttys/gtg/g2g/later/peace_out/adios/toodles/farewell
        will/ see/cya/talk/speak/chat to/with/ you/ later/tomorrow/soon/then/next_time
        will/ catch/text/message you later/tomorrow/soon
        cya/see_you/see_you_around
        until/till tomorrow/next_time/later/then/soon
        you/u2 too/as_well
        u2/likewise/same_to_you/to_you_too/to_you_as_well
        take care of_yourself/
        be/stay safe/well
        have fun
        gotta/got_to/have_to/need_to go/run/sleep now/to_bed/to_sleep/to_work/
        im/ going/heading/off to bed/sleep/work now/
        time for bed
        buenas/feliz noches/noche
        hasta manana/luego/pronto/la_proxima
        manana/luego hablamos
        chao/chau/nos_vemos/hablamos_luego/hablamos_manana/cuidate/dulces_suenos/duerme_bien/descansa/igualmente
        que descanses/suenes_bonito/duermas_bien/tengas_buen_dia/tengas_un_buen_dia/tengas_buena_noche
        gute nacht
        bis morgen/bald/dann/spater/spaeter/nachher/zum_nachsten_mal
        tschuss/tschuess/tschau/schlaf_gut/schlaf_schon/traum_schon/traum_suss/pass_auf_dich_auf/mach's_gut
        einen/ schonen/schones tag/abend/wochenende noch/
        dir/euch auch/ebenfalls
        gleichfalls
        boa noite
        ate amanha/logo/mais/breve/ja
        tchau/xau/falou/durma_bem/dorme_bem/bons_sonhos/se_cuida
        bonne nuit/soiree/journee
        bon weekend/week_end
        a demain/bientot/plus/plus_tard/toute/tout_a_l'heure/la_prochaine
        au_revoir/dors_bien/fais_de_beaux_reves/bonne_fin_de_soiree/toi_aussi
        buonanotte/buona_notte/buona_serata/buona_giornata/sogni_d'oro/dormi_bene/arrivederci/anche_a_te
        a domani/presto/dopo
        ci vediamo/sentiamo domani/presto/dopo/
        ciao ciao
    """,
    "acknowledgement": """
        ok/alright/all_right/sure/sure_thing/for_sure/okidoki/okie_dokie/okey_dokey/roger/bet/deal/its_a_deal
        that/that_is/its so/very/ true/ok/cool/nice/great/awesome/perfect/lovely/sweet/wonderful/all_good
        very/so/ cool/nice/great/awesome/perfect/lovely/sweet/excellent/wonderful/fantastic/brilliant
        that/ sounds good/great/perfect/nice/like_a_plan/awesome/lovely
        got it/you
        gotcha/true/agreed/i_agree/good_point/noted/understood/i_understand/i_see/fair_enough/good_to_know/all_good/works_for_me
        that/ makes sense
        will do
        no problem/prob/probs/worries/rush/hurry/biggie/stress/pressure at_all/
        np/nw/nws/yw/anytime/my_pleasure/take_your_time
        you_are/your/ welcome
        vale/de_acuerdo/perfecto/genial/entendido/esta_bien/de_nada/no_pasa_nada
        alles_klar/super/prima/perfekt/in_ordnung/verstanden/kein_problem/kein_ding
        beleza/blz/ta_bom/perfeito/entendi/combinado/por_nada/sem_problema
        d'accord/dac/ca_marche/parfait/entendu/pas_de_souci/de_rien
        va_bene/d'accordo/perfetto/capito/di_niente/di_nulla/figurati
    """,
    "laughter": "lmao/lmfao/rofl/lolz/mdr/ptdr/xd/<ha>/<heh>/<jaj>/<jej>/<lol>/<rsr>",
    "kiss": """
        <xo>/x/mwah/muah/mwa/mua/smooch/smooches
        big/many/ kiss/kisses/hug/hugs to_you/
        besos/besitos/un_beso/abrazos/un_abrazo/kuss/kusse/kusschen/kuesschen/bussi/beijo/beijos/bjs/bjos
        abracos/bisou/bisous/gros_bisous/bises/baci/bacio/bacioni/un_bacio/un_abbraccio
    """,
    "love": """
        love you so_much/lots/more/most/ too/
        ily/ilysm/te_quiero/te_amo/eu_te_amo/te_quiero_mucho/te_amo_mucho/hdl/hab_dich_lieb/je_t'aime/jtm/tvb
        ich/ liebe dich
        ti amo/voglio_bene
    """,
    "emoji": "<emoji>",
    # Closes nothing alone and may stand beside what does: pet names, interjections, what may be a greeting.
    "": """
        my/ babe/babes/baby/bby/bb/babygirl/hun/hunny/honey/hon/love/lovely/sweetie/sweety/sweetheart/sweets
        my/ dear/dearest/darling/darlin/gorgeous/beautiful/sexy/cutie/princess/queen/angel/sunshine/goddess
        mi/ amor/carino/guapa/hermosa/preciosa/bebe/linda/reina/corazon/cielo
        mein/meine/ schatz/susse/suesse/liebling/liebe/hubsche
        meu/minha/ amor/linda/gata/querida/princesa
        mon/ma/ belle/cherie/coeur/cœur/ange/bebe
        bella/tesoro/amore/amore_mio/cara/mia_cara/ciao
        <beside>/oh/ah/aw/wow/omg/yay/well/then/for_now/for_today/for_tonight
    """,
}
LEADING = frozenset(("and", "n", "y", "und", "e", "et", "i"))  # something must follow

# A word of these letters alone that has them in this order somewhere: "ahahah" is <ha>, "lololol" is <lol>.
WOVEN = ("ha", "heh", "jaj", "jej", "lol", "rsr", "xo")

EMOJI = (
    "❤♥❣🧡💛💚💙💜🖤🤍🤎🩷🩵🩶💕💖💗💓💞💘💝💟🫶🫂😍🥰😘😗😙😚😻💋💏💑🤗🤩😊☺😇🙂😀😃😄😁😆😅😂🤣"
    "😹😸😺😉😌😋😜😝😛🤪😎🥳🤭🙈😏😈🤤🥵🔥💦🍑💯👍👌👏🙌🤝✌🤞🤟🤙👊💪🫡✅🆗😴💤🌙🌛🌜🌝🌚⭐🌟✨💫"
    "🌃🌌🛌🛏🌹🌷🌸🌺🌻🌼💐🎉🎊🥂🍻👑🍀🦋🐻🐰🧸🌈"
)
EMOJI_BESIDE = "👋🙏☀🌞"  # also said to greet or to beg
