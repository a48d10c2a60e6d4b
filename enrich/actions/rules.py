"""What the text of a message must say for each engagement action. Data, read by `enrich.actions.seen`.

The text is matched in one spelling (`enrich.text.slang`), words and punctuation marks apart by one space. A
block is a rule: who writes and the action; `?` the key words, one of which must stand in the text; each `|` a
pattern of whole words. "unless negated": a "not", "never" or "don't" just before takes it back. A line
that is indented goes on with the one above; `<NAME>` stands for a pattern of the first block.
"""

RULES = r"""
<WORD> = (?: \w[^ ]*)
<END> = (?= [?!.,;:]|$)
<MONEY> = (?:MONEY|[0-9]\S* bucks|(?:a|one|two|five|ten|twenty|thirty|forty|fifty|
  hundred) (?:hundred )?bucks)
<MEDIA> = (?:video|photo|set|content|ppv|custom|one|album|gallery|show|session|rating|voice note)
<GIVEN> = (?:video|photo|set|content|ppv|custom|page|sub|messages?|chat|service|feed|posts?|you|your|
  you're|paid|bought)
<FIRST> = (?:^(?:(?:oh|omg|aww|aw|well|ok|lol|haha|mmm|ah|and|so|why|wow|yay|finally|a very|very|just|
  good) )*|(?<=[!.?] ))(?<!\S)
<SOFT> = (?:thinking (?:about|of)|going to|might|want to|will|should|i'll|about to|have to|need to|
  decided to|may|planning to|planning on|considering|time to|probably|maybe|ready to|tempted to|better off|
  guess i'll|just|plan to|i'd rather)
<HERE> = (?:here|this|your|you|of|the page|the platform|the site|onlyfans|for good|soon|page|this page|
  your page)
<OTHER> = (?! (?:(?:my|the|our|that|this|a|your|all|any) )?(?:\w+ )?(?:flight|flights|plans?|date|trip|
  meeting|appointment|dinner|order|custom|netflix|spotify|gym|class|lunch|party|work|holiday|vacation|
  tickets?|hotel|booking|reservation|show|concert|call|cable|phone|insurance|job)\b)

anyone: greeting
? hey hi hello yo howdy hola good morning evening afternoon what's greetings hiii day
| <FIRST>(?:hey|hi|hello|yo|howdy|hola|greetings)
| <FIRST>good (?:morning|evening|afternoon|day)
| <FIRST>(?:morning|evening|afternoon)(?! (?:shift|person|coffee|run|workout|class|routine|walk|gym|is|
  was|sex|sun|and)\b)(?: (?:babe|baby|love|hun|gorgeous|beautiful|sunshine|cutie|sexy|princess|handsome|
  dear|sweetie|honey|all|you|\w+)<END>|<END>)
| <FIRST>what's up(?: (?:babe|baby|hun|gorgeous|beautiful|cutie|sexy|with you|love))?<END>

anyone: thanks
? thanks thank appreciate appreciated grateful thankful gracias merci danke grazie cheers
| thanks(?<!\bno thanks)(?<!\bnah thanks)(?<!\bnope thanks)(?<!\bnope , thanks)(?<!\bno , thanks)
  (?<!\bnah , thanks)(?! (?:god|goodness|but no|for nothing|to (?:my|the|traffic|work|this|that))\b)
| thank (?:you|ya)(?<!\bno thank you)(?<!\bnah thank you)(?<!\bsay thank you)(?<!\bsaid thank you)
  (?<!\bsaying thank you)(?<!\beven a thank you)(?<!\bwithout a thank you)(?<!\bsimple thank you)
  (?<!\bnot a thank you)(?! for nothing)
| (?<!\bdon't )(?<!\bnot )(?<!\bdoesn't )(?<!\bwould )(?<!\bnever )(?<!\bdidn't )appreciate (?:it|you|
  that|this|your|the|everything|how|all)
| (?:much|so|really|very) appreciated
| (?:so|very|really|i'm|am) (?:grateful|thankful)
| (?:gracias|merci|danke|grazie)
| cheers(?= (?:babe|mate|hun|for|love|darling)|<END>)

anyone: apology
? sorry apologise bad make happened fault forgive mb sry soz
| (?:sry|soz|srry|sowwy)(?! \?)
| (?:so|very|really|i'm|super|truly|am|terribly|omg|oops|ah|oh|ugh|aww|no|and|but|again|babe|
  mega) sorry(?! (?:not sorry|for your|you're|your|you (?:are|feel|had|have|lost|went)|he|she|they|
  but (?:no|i'm not)|what)\b)(?! \?)
| ^(?:\w+ )?sorry(?! (?:not|what|for your|your|you're|you (?:are|feel|had|lost))\b)(?! \?)
| sorry (?:about (?!your\b)|for (?!your\b)|that i|i|babe|my|again|hun|love|to (?:keep|have|make)|
  it took)
| apologise
| my (?:bad|fault)|^mb
| forgive me
| make it up to you
| should(?: not|n't) have happened

fan: custom_request
? custom personalised personalized make film record shoot do wear say name for request requests pose try
? send see commission idea moan put dance roleplay special personal private order something clip filming
? love want length
| (?:order|get|buy|have|request) something (?:special|personal|different|made|custom|unique|private)
| (?:i'd|would|i) (?:love|like|want|need) (?:a|another|one|some) (?:\w+ )?(?:video|photo|voice note|set)
| (?:any chance|possible|if) you (?:could|can|would|to) (?:film|record|wear|shoot|make (?!it\b)|do a|
  pose)
| (?:want|like|love|need|prefer) (?:for )?you to (?:wear|say|film|pose|dance|do the|read|hold|use|
  put on|look|start|moan|talk)
| (?:want|like|love|prefer) it (?:to be |in the |with the )(?:\w+ ){0,3}(?:long|minutes|outfit|dress|
  set|kitchen|shower|room)
| (?:a|an|another|one|some|any|do|does|want|order|get|buy|like|need|more|about|commission|request|
  requesting|take|taking|offer|sell|make|making|new|your|for|ordering|on|open for|still|my|next|
  first)(?: \w[^ ]*){0,2} custom(?: <MEDIA>)?(?! (?:is|was|were|came|looks|looked|arrived|turned|thank|
  thanks|you (?:made|sent|did))\b)
| ^custom(?: <MEDIA>)?(?: (?:of|with|where|for|in|please|request)|<END>)
| personali[sz]ed
| (?:personal|private|special) <MEDIA> (?:just )?(?:for me|of you|with|where|please)
| (?:make|film|record|shoot|do|filming|making|create)(?: me)?(?: (?:a|an|one|something|
  some))?<WORD>{0,4} (?:just |only )?for me
| (?:make|film|record|shoot|create) (?:me )?(?:a|an|another|something|one|some)<WORD>{0,2} (?:video|
  photo|set|voice note|like that|where|with|in)
| <MEDIA> (?:just |only )?for me
| something (?:just |only |special )+(?:for me|for us)
| (?:say|saying|moan|moaning|use|mention) my name(?! in (?:the|your) (?:chat|message))
| (?:with|has|have|write|writing|wrote|put) my name (?:in|on|written)
| (?:can|could|would|will|can't) you (?:please |maybe |ever |just |possibly |also )?(?:wear|film|record|
  shoot|pose|dance|roleplay|try on|put on|dress|do a|do one|do some|make (?!it\b|me (?:feel|smile|happy)|
  sure|that up|fun|up|time|money|sense|a living))
| (?:would|could|will) (?:you )?(?:be (?:up for|open to|willing to|able to)|consider|mind) (?:make|
  making|film|filming|do|doing|shoot|shooting|wear|wearing|record|recording)
| (?:take|taking|do|accept|open to|doing|open for) (?:requests|request|ratings|custom)
| (?:have|got) (?:a|an|this|some) (?:special |specific |little |fun )?(?:request|idea) (?:for|in mind)?
| (?:send|sent|see|get|have|want|do|love) (?:me )?(?:a|one|some|another) (?:\w+ )?(?:video|photo|
  voice note) (?:of (?:you|your)|with (?:you|your)|in (?:the|that|your|a)|wearing|where|from behind)
| (?:can|could|may) i (?:see|get|have|request) (?:you|a video|a photo|something) (?:in|of|with|wearing|
  where)
| (?:love|like|want|wish) (?:to|i could) see you (?:in|wearing|try|do|dance|wear)

fan: price_inquiry
? much price cost charge rate fee menu charging pay free owe get bucks deals specials promo tokens MONEY
? hm discount pricelist run damage ballpark set asking going cheapest per flat minute
| (?:is|are) (?:it|that|this|they|those|these)(?: \w[^ ]*)? per (?:minute|photo|video|set|month|piece|
  message)
| how much(?<!\bno idea how much)(?<!\bknow how much)(?<!\bcare how much)(?<!\bmatter how much)
  (?<!\bbelieve how much)(?<!\bimagine how much)(?<!\breali[sz]e how much)(?: money)?(?: (?:is|are|was|'s|
  for|to (?:see|get|unlock|buy|have|book|do|make|sub|join|open|chat|talk)|4|a|per|each|extra|total|(?:do|
  would|did|will|does|you|are you|would you|should|must|have)(?: \w[^ ]*){0,5} (?:cost|charge|charging|
  owe|pay|ask|asking|sell|run|run me|want|need|tip|go for|set me back|take|be)|would (?:it|that|this|the|
  a|an|one)|does (?:it|that|this|the|a|an|one|your)(?: \w[^ ]*){0,3}(?= \?|$)|for|it|the|that|this|your|
  babe|hun|baby|love|please|MONEY|we talking|you|do i|can i)\b(?! (?:too much|time|sleep|left|longer|fun|
  love|to handle|you (?:sleep|mean|love|miss|want me|like|eat|drink|work|weigh|bench|lift))\b)|<END>)
| (?:what's|what is|what are|what was|what would be|know|tell me|send me|see|got|have|have you got|
  where's|where is|check)(?: the| your| a| any| me)*(?: \w[^ ]*)? (?:price|cost|rate|fee|menu|pricelist|
  price list|tip menu)(?! (?:to pay|of (?:living|love|fame|gas)))
| what(?: do| would| will| are|
  's| did)?(?: you| it| that| this| the| a| one)*(?: \w[^ ]*){0,3} (?:charge|charging|cost|run me|
  set me back)
| ^price<END>
| hm (?:4|for|is (?:a|the|that|this|your|it)|do you|you charge|does|would|are)
| price (?:of|for|on|please|list|check)(?! (?:fame|love|gas|living|freedom)\b)
| (?:your|the) (?:price|rate|menu|price list|fee)(?= (?:for|on|please)|(?: [?.]|$))
| (?:does|do|would|will|did|could) (?:it|that|this|they|a|one|the|your)(?: \w[^ ]*){0,4} cost
| how many (?:bucks|tokens|MONEY)
| (?:is|are) (?:it|that|this|they|the \w+|those|these) (?:free|paid|included|extra|for free)(?= (?:or|
  with|too|\?)|$)
| (?:do|would|will) i (?:have to|need to|got to) pay
| (?:what|how much) do i owe
| what (?:can|do|would|could) i get (?:for|with) (?:MONEY|[0-9]\S*|a)
| (?:is|would|will|are|if) <MONEY> (?:be )?(?:enough|ok|okay|good|fair|cool|fine|alright|work)
| (?:any|have|got|do|are there|is there)(?: \w[^ ]*){0,3} (?:deals|specials|promo|promos)
| (?:what's|what is|what would be) the (?:damage|ballpark|going rate|cheapest|total)
| (?:what|how much)(?: are)? you (?:asking|charging|want) for
| (?:any|got|have|give me|get|do|student|loyal|loyalty|bulk|there|possible|little|small|fan|do me|do a|
  with a|need|without a|bundle)(?: a| any| some| me a)?(?: \w[^ ]*)? discount
| ^discount<END>
| what's (?:it|that one|a video|the set|a custom) (?:going for|going to run me|going to cost|worth|run)

fan: price_objection
? much pricey overpriced afford cheaper cheap price lower lot paying pay broke cash money payday paid
? bucks MONEY budget worth robbery less knock tight cost costly rich spend rip cut better do take have
? paycheck little bit can't blood thought meant expected way go can
| (?:[0-9]\S*|<MONEY>) (?:is |seems |sounds )?(?:a |way |really |just )?(?:bit |little |too |kind of |
  so )+(?:much|high|pricey)
| (?:can't|won't|couldn't) (?:do|go|spend|pay|justify) (?:[0-9]\S*|<MONEY>|that much|more than)
| <MONEY> ,? ?(?:no way|hell no|nope|no thanks|lol no|nah|seriously|are you serious|wow)
| (?:over|above|beyond|more than) (?:what|than) i (?:can|could|want to|wanted to|planned to|
  was going to) (?:spend|pay|do)
| (?:i'd|i would|i could|i can|can only|could only) (?:only )?(?:do|pay|take|buy) (?:it |one |that |
  this )?for (?:<MONEY>|[0-9]+(?! (?:min|minutes|hours|days)\b))
| too rich for
| (?:way |a lot |bit )?more than i (?:thought|expected|wanted|hoped|can spend|have|planned)
| (?:who|nobody|no one|i don't|i never) (?:pays|pay|paying|spends|would pay) (?:[0-9]\S*|<MONEY>|
  that much)
| (?:(?:that's|it's|this is|that is|is|way|bit|little|kind of|just|prices are|asking) )(?:way |a bit |
  a little |just |a |little |bit |far |so )*(?:too|to|2) much(?= (?:for|money|man|babe|rn|right now|
  honestly|tbh|sorry|imo|lol)\b|(?: [.!,]|$))
| ^(?:way )?(?:too|2) much(?= (?:for|money|man|babe|right now|honestly|tbh|sorry)\b|(?: [.!,]|$))
| (?:too|to|2|bit|little|kind of|so|that) much (?:for (?:a|one|that|this|just|some|the|only|it|[0-9]\S*|
  video|photo|custom)|money|to (?:pay|spend|ask|charge))
| (?:too|to|2|so|kind of|very|bit|pretty|little|way|really|that's|it's|is|are|hella|super|quite|getting|
  got|sounds|seems|looks|fairly|rather) (?:pricey|costly|
  overpriced)(?<!not too pricey)(?<!not so pricey)(?<!not that pricey)(?<!not really pricey)
  (?<!n't too pricey)(?<!n't that pricey)(?<!n't so pricey)(?<!rent is pricey)(?<!gas is pricey)
  (?<!food is pricey)(?<!life is pricey)(?! (?:here|there|city|rent|taste|flight|hotel|country|place|
  hobby|car|dinner|restaurant|wine|these days|to live)\b)
| overpriced
| (?:can't|couldn't|not able to|could never|can't even|can not|if i could|wish i could|can barely|
  can hardly|don't think i can|not sure i can)(?: really| even| quite| possibly)? afford(?! (?:a |the |
  my |to )?(?:house|home|rent|car|holiday|vacation|flight|trip|place|apartment|live|lose)\b)
| (?:out of|over|above|beyond|outside|not in|not within|outside of) (?:my|the) (?:budget|price range|
  price|range|league)
| (?:tight|on a|low|small|limited)(?: \w[^ ]*)? budget
| budget (?:is|'s) (?:tight|small|low|limited)
| (?:any|anything|something|little|bit|go|it|make|option|way|than|much|it for|find|get|one|them|do|
  sell) cheaper
| (?:lower|reduce|drop|cut|come down on|negotiate|cheaper)(?: the| your| a)? (?:price|rate)
| (?:go|any|bit|do) lower
| knock<WORD>{0,3} off
| do (?:it |that |this |one |the \w+ )?(?:for )?(?:less|better|lower|cheaper)(?! than)
| (?:can|could|would|will) you (?:do|take|accept|go)(?: it| that| this| one)?(?: for| to)? (?:<MONEY>|
  [0-9]+(?= (?:instead|for|\?)|$))
| (?:only|just) (?:have|got|had|has) (?:like |about |around )?<MONEY>
| <MONEY> (?:is|for that|for just|seems|sounds|feels|for one \w+|for [0-9]+ (?:sec|secs|second|seconds|
  min|mins|minutes?))(?: (?:is|a|so|way|too|kind of|pretty|very|bit|insane|really|like|just))*(?: (?:lot|
  much|crazy|insane|wild|ridiculous|nuts|pricey|robbery|high|mad)|(?= [?!.,]|$))
| <MONEY> (?:for that|is a lot|seems like a lot|is crazy|is insane)
| (?:a|that's) lot (?:of money|to (?:pay|ask|spend)|for (?:a|one|just|that|this|the|some|it|me|
  [0-9]\S*))
| (?:not|ain't|won't|wouldn't|never|not going to|don't want to|can't be|refuse to|not willing to|
  can't keep|rather not|why would i|hate|nobody|who|no one)(?: be)? (?:paying|pay|pays|spend|spending|
  drop|dropping)(?= (?:that|this|so|MONEY|[0-9]|all|for (?:that|this|a|it|ppv|photo|video|everything|
  every|stuff|another)|more|extra|full)\b|(?: [.!,]|$))
| (?:i'm|am|kind of|too|so|flat|super|pretty|bit|being|dead|be|little|currently|a broke|super|
  hella) broke(?! (?:up|down|my|the|a|it|with)\b)
| ^broke (?:right now|rn|this|until|till|atm|af|at the moment|as)
| broke (?:right now|this (?:week|month)|until|till|at the moment|af|as)
| (?:short|low|tight) on (?:cash|money|funds|the money)
| (?:money|cash|things|funds|wallet|finances)(?:'s| is| are|s)? (?:a bit |kind of |really |so |pretty |
  very |quite |super )?(?:tight|short|low)
| (?:don't|didn't|do not) (?:really )?have (?:that much|the|enough|that kind of|that|much|
  any)(?: \w+)? (?:money|cash|budget|funds)
| (?:till|until|til|after|wait for|when|once)(?: i get| my| next| i)* (?:payday|paid|paycheck|pay day)
| price (?:is|are|went|going|keep|keeps|got|has|have)(?: \w[^ ]*)? (?:up|crazy|high|insane|much|
  ridiculous|mad|wild|gone up|going up|pricey|a bit|too|unfair)
| (?:raised|raising|raise|increase|increased|upped) (?:your|the) (?:price|rate)
| (?:not|isn't|ain't|never|hardly|wasn't|barely) (?:\w+ )?worth (?:that|the (?:price|money|cost)|
  <MONEY>|[0-9]\S*|that much|so much|what you)
| (?:highway|daylight) robbery
| (?:crazy|insane|ridiculous|silly|mad|high|unfair|stupid) (?:price|money|rate)
| (?:everything|all) (?:cost|is) extra
| cost (?:too|so|a bit too|way too|way) much
| bad deal
| not (?:rich|made of money|a millionaire|a bank|an atm)

fan: complaint unless negated
? rip ripped ripoff scam refund back disappointed misleading clickbait false unacceptable down
? underwhelmed underwhelming broken spam spamming waste wasted wasting bot ignoring ignored fake catfish
? twice joke fed sick tired unfair frustrated rude complain let had same recycled reused blurry quality
? promised keep keeps behind robot chatter agency manager better more unhappy letdown hoping hoped lied
? lie lying liar cheated feels feel heard worth time stops cut missing crashing crashes glitchy buggy kind
? wallet atm only thought copy paste app site said care
| (?:third|second|fourth|tenth|last) time (?:asking|i ask|i asked|i'm asking|i've asked|writing|
  messaging)
| (?:video|photo|sound|audio|it|file|link) (?:just )?(?:stops|cuts|cut|freezes|froze|ends|skips|
  glitches)(?: (?:off|out|after|at|halfway|every))
| (?:sound|audio|video|photo|half|part|end|rest) (?:is|was|are) (?:missing|gone|cut off|cut)
| (?:app|site|page|website|onlyfans|of|platform) (?:keeps|is|was|always|constantly|won't|
  is so) (?:crashing|crash|broken|buggy|glitchy|lagging|slow|down|logging me out|load)
| (?:kind of|bit|so|really|little|feeling|honestly|was) let ?down
| (?:walking|just a|only a|like a|like an|like your|human) (?:walking )?(?:wallet|atm|number|
  bank account|customer|piggy bank|cash machine)
| you only (?:write|message|text|talk|reply|answer|care|show up|come|contact)(?: \w[^ ]*){0,3} (?:when|
  if|about|for) (?:\w[^ ]* ){0,3}(?:money|tip|tips|cash|want something|pay|sell|bucks)
| (?:thought|hoped|wish|wished) you(?:'d| would| did)? (?:care|cared|answer|reply|actually|
  at least)(?: \w[^ ]*)?
| (?:copy paste|copypaste|copy pasted|copy and paste|generic) ?(?:messages?|reply|answer|stuff|text)?
| you said (?:it|that|you'd|you would|you|the \w+|this|i'd)(?: \w[^ ]*){0,2} (?:would|was|were|will|
  be)(?: \w[^ ]*){0,4} (?:but|longer|ready|yesterday|last week|included|full|done|days ago)
| rip(?:ped)?(?: me)? off
| ripoff
| (?:a|is|total|such a|got|been|me|this|you|feel|feels like a|feeling|just|you're a|getting) scam
| ^scam(?:er)?
| (?:want|need|get|give me|ask(?:ing)? for|like|have|demand|expect|deserve|my|
  a)(?: \w[^ ]*){0,2} (?:refund|money back)
| ^refund(?: me)?
| disappointed(?! in (?:myself|my)\b)
| (?:misleading|clickbait|false advertising|unacceptable|underwhelm(?:ed|ing)|letdown)
| (?:feel|felt|feeling|was|am|i'm|bit|been|little|really|so|you)(?: a| kind of)? let (?:me )?down
| let me down
| (?:is|are|link is|video is|file is|was|still) broken(?! up)
| (?:stop|quit|enough|too much|so much|all this|all the|constant|with|the|
  just)(?: \w[^ ]*){0,3} (?:spam|spamming)
| (?:waste of|wasted|wasting)(?: my)? (?:money|time|cash)
| (?:like|to|with|you're|you|is this|just|this is|or) (?:a |just a |some )?(?:bot|robot|chatter|agency|
  manager|assistant)(?! (?:is|was)\b)
| ignor(?:ed|ing) (?:me|my|all my|every)
| (?:feel|feeling|being|get|getting|been|keep getting|got) (?:so |kind of |a bit |totally |
  completely )?ignored
| (?:charged|billed|paid)(?: me| for (?:it|this|that))? twice
| (?:fake|catfish)(?: page| account| profile| photo)?<END>
| what a (?:joke|letdown|waste)
| (?:fed up|sick of|tired of|had enough of|over)(?: (?:with|of))?<WORD>{0,4} <GIVEN>
| (?:same|recycled|reused)(?: \w[^ ]*){0,2} (?:video|photo|set|content|stuff|messages?|ppv|
  posts?)(?: \w[^ ]*){0,6} (?:again|already|last|before|every|over|as|twice|from|everyone|bought|
  to everyone)
| same old(?: stuff| photo| video| content| thing)
| (?:quality|it|video|photo|sound|audio|camera|lighting)(?: \w[^ ]*){0,3} (?:is|was|are|were|so|looks|
  too|really|looked) (?:so |too |really |very |pretty |kind of |all )?(?:blurry|bad|poor|low|terrible|
  awful|grainy|dark|shaky|short)
| (?:but )?you (?:had )?promised(?= me| it| that| a| the| to|(?: [.!,]|$)| last| this| you'd)
| (?:you|they|it) keeps? (?:sending|spamming|asking|ignoring|charging|promising|sending me|saying|
  pushing)
| (?:everything|all|every \w+|it's all)(?: is|'s)?(?: \w[^ ]*){0,2} (?:behind a paywall|locked|ppv)
| (?:expected|expecting|expect|hoping for|hoped for|thought i'd get|deserve) (?:so much |a lot |a bit |
  a little |something )?(?:more|better|longer)
| (?:was|were|had been) (?:hoping|expecting)(?: for)?(?: \w[^ ]*){1,6} but
| (?:not|don't|didn't|hate|mean|want|trying)(?: \w[^ ]*){0,3} (?:to complain|to be rude|be rude) but
| (?:hate|don't mean|not trying|don't want|not one|not here) to (?:complain|be rude|be that guy)
| (?:i'm|am|a bit|bit|very|really|so|quite|little|pretty|kind of) unhappy (?:with|about)
| (?:you|they) (?:lied|cheated)
| you're (?:a liar|lying)

fan: complaint
? not isn't wasn't never doesn't won't can't don't didn't haven't hasn't no nothing still waiting where's
? where only half shorter already forgot forget weeks days without barely rarely seconds secs minutes mins
? heard think worth anyone anybody
| (?:haven't|hasn't|never|not|didn't) (?:even )?(?:heard|hear) (?:back|anything|from you|a thing|a word)
| (?:don't|didn't|not sure|hardly|wasn't|isn't|not) (?:think |feel |really |at all )*(?:it|that|this|
  it's|that's|any of it)? ?(?:was|is|were)? ?worth (?:the|my|all the) (?:money|price|wait|time)
| (?:is|does|are) (?:anyone|anybody|someone|you) even (?:reading|read|there|listening|real|looking)
| not what we (?:agreed|said|talked|discussed)(?: on| about)?
| (?:not|isn't|wasn't|never|ain't|nothing like) (?:really |quite |exactly |at all |even )?(?:what (?:i|
  you|we) (?:was |were |had )?(?:paid|asked|ordered|wanted|expected|promised|agreed|signed|hoped|bought|
  said)|worth it|as described|as advertised|like you said|as promised)
| nothing like (?:what|the|you)
| (?:not|isn't|wasn't|never) (?:really |very |too |so |at all |exactly |super |that )?(?:happy|
  satisfied|impressed|cool|fair|thrilled|pleased|acceptable) (?:with|about|by|that|at|how|to)(?! (?:my|
  work|the weather|the game)\b)
| (?:not|isn't|ain't) (?:really |very |at all )?(?:fair|cool|ok|okay|right|impressed|
  acceptable)<END>(?<!\bi'm not ok)(?<!\bi'm not okay)
| (?:doesn't|won't|can't|not|didn't|wouldn't|isn't|don't|couldn't)(?: even)? (?:work|load|open|play|
  working|loading|opening|playing|download|loaded)(?= (?:for me|on my|at all|it|the video|anymore|
  any more|properly|again|when|video|photo|message|right|and|the (?:video|file|link|photo|message))\b|
  (?: [.!,?]|$))
| you (?:\w+ )?(?:never|don't ever|don't even|don't|barely|rarely|hardly|haven't|didn't|didn't even|
  won't) (?:even |ever |really )?(?:reply|answer|respond|write|message|text|talk to|get back|wrote back|
  write back|acknowledge|notice|noticed|read my|care|messaged|send|sent|thank|delivered|posted|
  post)(?! me to|ing)
| (?:haven't|hasn't|not|never|didn't) (?:yet |even |actually |ever )?(?:got|gotten|received|receive|get|
  delivered|arrived|come|came|gave|given|
  had)(?: my| the| a| any| what| it| that| anything| me)*(?: \w+)? (?:video|custom|photo|order|set|refund|
  reply|answer|respond|content|messages?|it|anything|paid|yet|what i)
| (?:no|without a|without any|not a|zero|not even a|not a single|not one) (?:reply|answer|respond|
  message|word|update|explanation|custom|new content|content|posts?)(?! needed| necessary)
| (?:without a|without any|zero|not even a|not a single|not one) (?:thank you|thanks)
| still (?:waiting|haven't|have not|nothing|no (?:video|custom|reply|answer|respond|sign|photo|refund|
  word)|didn't (?:get|receive)|not (?:got|received|here|sent))(?! to see| for the weekend)
| waiting (?:for )?(?:\w+ )?(?:days|weeks|ages|forever|so long|[0-9]+ (?:days|weeks|hours))
| (?:where's|where is) my (?:video|custom|photo|order|refund|money|set|ppv|stuff)
| (?:only|just|barely|like|literally|was) (?:like |about |a |literally )?(?:[0-9]+|ten|twenty|thirty|
  a few|few|two|one) (?:secs?|seconds?|minutes?|mins?)(?: long)?(?= (?:long|of|for|video|what|when|
  and you|and it|but|instead)\b|(?: [.!,]|$))
| (?:half as long|(?:much |way |a lot )?shorter than|half of what (?:i|you|we) (?:paid|asked|bought|
  ordered|wanted|expected|was|were|promised)|not the full)
| already (?:bought|have|seen|paid|own|got|
  unlocked)(?: for)?(?: this| that| it| the same| these)(?: \w[^ ]*)?
| you (?:forgot|keep forgetting|forget)(?: about| to| my| me| the| our| all)
| (?:it's been|been|after|for) (?:like |over |almost |about )?(?:[0-9]+|a|two|three|four|few|
  a few) (?:days|weeks|week|month|months)(?: \w[^ ]*){0,3} (?:and|nothing|no|without|still)(?: (?:nothing|
  no|still|you|not|i))*
| (?:don't|didn't|never) (?:get|got) (?:a |any )?(?:reply|answer|respond|messages?)
| nothing (?:new|for|from you|yet)(?: \w[^ ]*){0,6} (?:for (?:[0-9]+|weeks|days|months|a|ages)|
  in (?:weeks|days|months|ages|[0-9]+)|lately|weeks|months)

fan: complaint
? annoying terrible awful horrible rude frustrated ridiculous boring lame trash garbage crap sucks worst
? useless pathetic pissed lazy disgusting upset sad angry dead bad poor sloppy dishonest shady
? unprofessional
| ^(?=(?:.* )?<GIVEN>(?:$| ))(?!.*\b(?:boss|coworkers?|flight|hotel|weather|traffic|neighbou?rs?|ex|
  team|servers?|gym|luggage|airport|dish|food|trip|tickets|my day|my week|my job|at work|the gym|the show|
  album|you're (?:not|so) bad|bad (?:girl|boy|day|week|mood|dream|news|idea|influence)|not bad|too bad|
  so bad i)\b)(?:.* )?(?:annoying|terrible|awful|horrible|rude|frustrated|ridiculous|boring|lame|trash|
  garbage|crap|sucks|worst|useless|pathetic|pissed|lazy|disgusting|upset|angry|dead|poor|sloppy|dishonest|
  shady|unprofessional|bad)

fan: churn_intent unless negated
? cancel unsub renew leaving leave done out month break goodbye moving move quit quitting end ending stop
? stopping expire lapse account pause pausing last drop dropping walk subs subbed cut cutting else
? elsewhere farewell time
| (?:going to|gonna|might|want to|think i'll|i'll|have to|time to|better to|
  should) (?:just )?end it(?: here| now| there)?<END>
| time (?:for me |i )?(?:to )?(?:leave|go|left|move on|say goodbye)(?= (?:here|this|your|for good)|
  <END>)(?<!time to go)
| (?:take|taking|need|have) (?:a |some )?(?:pause|breather|step back|hiatus)(?: (?:from|of) (?:here|
  this|of|onlyfans|your|the \w+|you))?
| <SOFT> (?:just |also |probably |be |to |have to |actually )*cancel<OTHER>
| cancel(?:ing)?(?: \w[^ ]*){0,3} (?:sub|renew|auto|page)
| ^(?:i )?cancel<END>
| i cancel(?: it| this| after| at the end| before)
| (?<!\bi'll )unsub
| i'll unsub
| (?:end|ending|stop|stopping|turn|turned|turning|switch|switched|drop|dropping|pause|pausing|
  quit)(?: off| it| my| the| this| your)* (?:off )?(?:sub|renew|auto|auto renew|page)(?: off)?
| renew(?: is| was)?(?: \w+)? off
| <SOFT> (?:not renew|not be renew|let it|let this|let my sub|let the sub)(?: \w+)? ?(?:expire|run out|
  lapse|end|go)?
| let(?:ting)? (?:it|my sub|the sub|this|this one|things)(?: \w+)? (?:expire|run out|lapse|end)
| (?:i'm|i am|am|be|going to be|i'll be|thinking (?:about|of)|considering|of) (?:just |probably |
  really |also |seriously |finally )?leaving(?: <HERE>|<END>| (?:because|if|unless|after this|soon|
  for good|at the end of the month|next month))
| <SOFT> (?:just |also |probably |actually |go and )*leave(?: <HERE>|<END>)
| (?:i'm|i am|am|so|i think i'm|be|guess i'm) (?:just |so |pretty much |honestly |about |probably |
  really )*done(?: (?:here|with (?:this|you|it|your|the page|onlyfans|all this)|paying|subbing|spending|
  being)|<END>)
| i'm out(?: of here| of this)?(?= [.!]|$)
| (?:last|final) (?:month|week|sub|renew|time) (?:here|for me|with you|on here|on (?:this|your) page|
  subbing|subbed|i sub|i'm paying|as a (?:sub|fan))
| (?:is|be|was|this|my)(?: probably)?(?: going to be)?(?: my| the)? (?:last|final) month
| (?:take|taking|need|needing|have|want) (?:a |some )?(?:little |long |short |small |bit of a |
  longer )?(?:break|time off|time away)(?: (?:from|of)) (?:here|this|of|onlyfans|your|sub|subbing|the app|
  the site|the page|everything|you|chatting|all this|spending|it all)
| (?:time (?:for me )?to|i'll|going to|think i'll|i should|might|ready to|may|will|i'm|probably|just|
  thinking (?:of|about)) (?:just |probably )?(?:move|moving) on(?! to (?:the|another|a) (?:topic|game|set|
  song|subject|next))
| (?:time to|guess this is|want to|wanted to|came to|just to|have to|need to|it's|
  this is) (?:say )?(?:goodbye|farewell)
| (?:delete|deleting|close|closing|deactivate|deactivating|deleted) (?:my|the|this) (?:account|profile|
  of|onlyfans)
| (?:cut|cutting|cutting back|cut back|cut down|
  cutting down)(?: back| down)?(?: on)?(?: my| some| a few| the)? sub
| (?:find|try|support|sub to|go to|go|found|spend it|spend my money|look|looking|
  take my money)(?: for)? (?:someone else|another (?:creator|page|girl)|other (?:creators|girls|pages)|
  elsewhere|somewhere else)
| stop subbing
| (?:quit|quitting|leaving|delete|deleting) (?:this app|this site|onlyfans|of|the app|the site|
  your page|this page)

fan: churn_intent
? renew stay staying sub subbed subbing unsub next sure around worth reason paying keep keeping anymore
? here continue stick see
| (?:not|won't|don't think i'll|don't think i will|don't think i'm|never|doubt i'll|doubt i will|isn't|
  can't|no point|no reason to|not sure about|not sure if i'll|not sure i'll|not sure if i|not sure i|
  why would i|why should i|don't|wouldn't|don't want to|not planning to|not sure|don't plan to|not worth|
  don't see myself|can't justify|don't know if i'll|don't know if i|don't think it's worth|
  don't feel like|instead of|
  not be)(?: \w+ing)?(?: be| going to| even| probably| to| want to| should| will| i'll| in)* renew
  (?! (?:is on|on)\b)
| (?:not|n't|not so|\w+n't|no idea|unsure|not really|don't know|not 100%|not too) (?:sure |know |
  really sure |think |certain )?(?:if |that |whether |about |how long |how much longer )?(?:i'll|i will|
  i'm going to|i want to|i should|i'm|i can|to|i)? ?(?:be )?(?:stay|staying|stick|sticking|
  keep(?:ing)? (?:my|the|this|paying|subbing|sub)|continue|continuing) ?(?:sub|subbed|here|around|on|
  much longer|on here|another month|on this page|your page|paying|next month)?(?=<END>| )
| (?:won't|not going to|don't think i'll|not|may not|might not|probably not) be (?:here|around|back|
  subbed|staying|sticking)(?= (?:next month|anymore|any more|much longer|long|next|after|around|for long|
  on here|for another)\b|(?: [.!,]|$))
| (?:not|isn't|ain't|hardly|barely|no longer|is it|is this even|isn't really) (?:really |even |
  still )?worth (?:staying|subbing|renewing|renew|keeping|the sub|my sub|being here|a sub|to stay)
| (?:sub|page)(?: \w+)? (?:isn't|ain't|not|is not|isn't really|no longer) (?:really |even )?worth
| (?:no|any|see|give me a|one good|good) reason (?:to|i should|for me to) (?:stay|keep|renew|sub|
  be here)
| (?:why|what) (?:am i|do i)(?: still| even)* (?:sub|subbed|paying|pay|here)(?: for| here| to)?
| (?:don't|not|can't|won't)(?: \w+){0,3} (?:see|seeing) myself (?:staying|here|renew|sticking)
| (?:if (?:this|it|that|nothing|things)) (?:keeps?|changes?|don't)(?: \w+){0,3} (?:i'm|i'll|i) (?:out|
  gone|leave|leaving|going)

creator: re_engagement
? stranger heard hear missed miss missing back while forget forgot disappeared vanished quiet long been
| (?:hey|hi|hello) stranger
| haven't (?:heard|seen)(?: from)? (?:you|much)
| (?:miss|missed|missing) (?:you|talking|chatting|our|hearing|seeing you|your messages)
| long time no (?:see|talk|chat|hear)
| (?:been|it's been) (?:a|such a|so)(?: little| long)? (?:while|minute|long)
| (?:did|have) you (?:forget|forgot|forgotten)(?: about)? me
| you (?:disappeared|vanished|went quiet|been quiet|have been quiet|been gone)
| where (?:have|did) you (?:been|go)
| come back (?:to me|and|soon|babe|i|for)

creator: upsell
? upgrade bundle bundles offer deal sale discount off unlock unlocking more extra full longer extended
? uncut uncensored vip months month tip add price MONEY bucks part exclusive limited renew open throw
? custom half special want see rest bonus another cut whole
| (?:if you|you can|just) (?:add|tip|throw in|send) (?:me )?(?:another |just |an extra )?(?:[0-9]+|
  <MONEY>)
| for (?:only |just |another |an extra )?(?:[0-9]+|<MONEY>) (?:more|extra)
| (?:full|longer|extended|uncut|uncensored) (?:cut|edit)
| [0-9]+ (?:months?|photo|video|set)?(?: \w+)? ?for the price of
| (?:renew|stay|sub|join|rebill)(?: \w[^ ]*){0,4} and (?:i|you|get|i'll|you'll)(?: \w[^ ]*){0,2} (?:get|
  send|give|add|bonus|free|include|throw)
| (?:a|as a|your|with a|free|the) bonus
| upgrade (?:to|your|you|it|for)
| (?:a|the|my|this|new|special|[0-9]\S*|in a|get|as a|into a|of) (?:\w+ )?bundles?(?! up)
| (?:special|limited|exclusive|big|great|flash|weekend|today's|best|holiday|birthday|
  good) (?:time )?(?:offer|deal|price|sale|discount|promo)s?
| [0-9]{1,2}% (?:off|discount)
| half (?:off|price)
| (?:add|get|unlock|throw|include|do|send|have|make)(?: \w[^ ]*){0,8} for (?:only |just |another |
  an extra |like )?<MONEY>
| (?:add|throw|include|get|want)(?: \w[^ ]*){0,6} (?:for )?extra
| for (?:only |just |another |an extra )?<MONEY> (?:i'll|i can|i could|you get|you can|more|extra|
  i will|and|it's yours|you)
| (?:only|just|another|extra) <MONEY>(?: (?:more|extra|today|babe|for|and|if))
| <MONEY> (?:more|extra)
| (?:full|longer|extended|uncut|uncensored|extra long|spicier|hotter|complete) (?:version|video|set|
  length|one|photo)
| (?:want|like|ready|love|wish|care|curious|dying|need) (?:to )?(?:see|hear|get|unlock|watch|
  have) (?:\w+ )?(?:more|the rest|the full|the whole|everything|what happens|what comes|how it ends|
  part 2|part two)
| unlock (?:it|this|that|before|now|to see|the|my|your|for|them|all|part|both)
| (?:have|need) to unlock
| (?:there's|there is|got|have) (?:a |an )?(?:part (?:two|2)|second part|longer|even (?:hotter|longer)|
  way more|so much more|more where)
| more where that came from
| vip
| (?:[0-9]{1,2}|three|six|twelve|multi) ?-?months? (?:bundle|sub|deal|plan|offer)
| tip (?:me )?(?:<MONEY>|[0-9]+)(?: (?:and|to|for|or|if|i'll|on))
| (?:turn|put)(?: your| on| the)*(?: auto)? renew(?: on)?
| custom (?:are|is|slots are) open
| (?:two|2|3|three) for (?:the price of )?(?:one|1|2|two|MONEY)
| exclusive (?:video|photo|set|content|ppv|for)(?= (?:in|for|just|only|waiting|if|when|on)\b|$)
"""
