"""Names that chat is full of: places, first names, brands, platforms. Written by hand. Pure.

`-` joins the words of one name. A name that is also a plain word stands in a list of its own, because it
counts only where the words around it say so (`enrich.entities.find`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

How = Literal["free", "near", "strong"]


class Name(NamedTuple):
    """A name by its words. `how`: "free" counts anywhere, "near" by a fitting word, "strong" needs more."""

    words: tuple[str, ...]
    type: str
    how: How


_PLATFORMS = """
    instagram insta ig twitter tiktok tik-tok snapchat facebook fb telegram whatsapp whats-app discord
    reddit youtube yt twitch onlyfans only-fans fansly fanvue patreon spotify netflix hulu disney-plus
    prime-video hbo paypal pay-pal cashapp cash-app venmo zelle apple-pay google-pay revolut skype
    facetime google-meet tinder hinge linktree pinterest amazon ebay etsy manyvids chaturbate loyalfans
    kik wechat viber messenger google gmail linkedin soundcloud tumblr wishtender crunchyroll uber
    uber-eats ubereats lyft airbnb doordash grubhub deliveroo bluesky clips4sale stripchat slack
"""
_PLATFORMS_NEAR = "snap steam threads bumble signal zoom x"
_BRANDS = """
    nike adidas reebok lululemon gymshark victoria's-secret victorias-secret savage-x-fenty gucci prada
    chanel dior versace louis-vuitton louboutin zara sephora starbucks mcdonalds mcdonald's chipotle
    taco-bell coca-cola coke-zero pepsi red-bull dr-pepper tesla bmw mercedes audi toyota honda porsche
    ferrari lamborghini lambo jeep iphone samsung sony playstation ps4 ps5 xbox nintendo switch-2 ikea
    walmart costco fenty rolex dunkin dunkin-donuts burger-king kfc wendy's wendys popeyes chick-fil-a
    innout five-guys dominos domino's krispy-kreme shein fashion-nova skims calvin-klein tommy-hilfiger
    ralph-lauren balenciaga hermes birkin yeezy yeezys air-jordans jordans doc-martens dr-martens ugg uggs
    birkenstocks levi's levis uniqlo primark asos macbook airpods ipad imac android huawei xiaomi lenovo
    dell nvidia gopro canon nikon harley-davidson kawasaki yamaha ducati volkswagen vw volvo subaru nissan
    hyundai chevy chevrolet mustang corvette lego tiffany's cartier swarovski ray-bans oreo oreos nutella
    doritos cheetos kitkat haribo gatorade heineken guinness jack-daniels jameson hennessy smirnoff modelo
    lovehoney nespresso keurig dyson peloton fitbit disney marvel valorant minecraft fortnite zelda
    mario-kart elden-ring stardew-valley overwatch roblox call-of-duty league-of-legends fifa skyrim
    diablo baldurs-gate baldur's-gate animal-crossing counter-strike apex-legends genshin pokemon-go
    tetris tekken warzone hogwarts-legacy verizon t-mobile fedex dhl usps ups-store comcast vodafone
    wells-fargo bank-of-america citibank hsbc barclays santander chase-bank lufthansa ryanair easyjet
    emirates qantas united-airlines american-airlines delta-airlines southwest-airlines photoshop
    lightroom excel chatgpt photopea windows-11 kleenex tupperware ben-and-jerry's
"""
_BRANDS_NEAR = "apple target puma ford converse vans crocs subway bose"

_PLACES = """
    new-york-city new-york nyc manhattan los-angeles chicago houston philadelphia philly san-antonio
    san-diego dallas san-francisco san-jose seattle denver boston las-vegas vegas portland detroit miami
    atlanta orlando tampa fort-lauderdale fort-worth el-paso baltimore milwaukee albuquerque tucson fresno
    sacramento oakland omaha raleigh nashville new-orleans minneapolis cleveland cincinnati indianapolis
    louisville tulsa wichita pittsburgh st-louis saint-louis kansas-city oklahoma-city salt-lake-city
    palm-springs long-beach santa-monica west-hollywood hollywood malibu beverly-hills scottsdale honolulu
    maui anchorage boise spokane tacoma tallahassee jacksonville chattanooga baton-rouge des-moines
    ann-arbor grand-rapids colorado-springs virginia-beach myrtle-beach key-west palm-beach
    west-palm-beach boca-raton coachella silicon-valley bay-area east-coast west-coast midwest cali hawaii
    california texas florida nevada arizona colorado oregon ohio michigan alaska utah illinois new-jersey
    wyoming idaho north-carolina south-carolina north-dakota south-dakota west-virginia tennessee kentucky
    alabama mississippi louisiana oklahoma arkansas missouri kansas nebraska iowa minnesota wisconsin
    new-mexico new-hampshire vermont massachusetts connecticut rhode-island delaware maryland pennsylvania
    washington-dc usa united-states toronto vancouver montreal calgary ottawa edmonton winnipeg quebec
    halifax ontario alberta british-columbia canada mexico cancun tulum mexico-city guadalajara monterrey
    tijuana cabo cabo-san-lucas puerto-vallarta playa-del-carmen oaxaca london manchester liverpool
    birmingham glasgow edinburgh leeds sheffield bristol nottingham leicester newcastle brighton oxford
    cambridge southampton plymouth aberdeen cardiff swansea belfast dublin galway limerick ireland
    northern-ireland scotland england uk united-kingdom great-britain britain wales lyon marseille
    bordeaux toulouse nantes strasbourg cannes saint-tropez st-tropez monaco france berlin munich hamburg
    cologne frankfurt stuttgart dusseldorf düsseldorf dresden leipzig germany madrid barcelona valencia
    seville malaga mallorca majorca ibiza tenerife gran-canaria canary-islands bilbao granada spain lisbon
    porto algarve madeira azores portugal rome milan venice naples turin bologna palermo sicily sardinia
    amalfi lake-como tuscany capri italy amsterdam rotterdam hague utrecht netherlands holland brussels
    antwerp ghent bruges belgium luxembourg zurich geneva basel lucerne switzerland vienna salzburg
    innsbruck austria prague czech-republic czechia budapest hungary warsaw krakow gdansk wroclaw poland
    athens santorini mykonos crete corfu rhodes thessaloniki greece istanbul ankara antalya bodrum
    cappadocia stockholm gothenburg malmo sweden oslo norway copenhagen denmark helsinki finland iceland
    reykjavik moscow saint-petersburg st-petersburg russia kyiv kiev lviv odesa ukraine bucharest romania
    bulgaria belgrade serbia zagreb dubrovnik croatia slovenia ljubljana slovakia bratislava bosnia
    sarajevo montenegro albania estonia tallinn latvia riga lithuania vilnius malta cyprus dubai abu-dhabi
    uae qatar doha saudi-arabia riyadh kuwait bahrain tel-aviv jerusalem israel lebanon beirut amman egypt
    cairo hurghada morocco marrakech marrakesh casablanca tunisia algeria cape-town johannesburg durban
    south-africa nairobi kenya tanzania zanzibar uganda ethiopia ghana accra lagos nigeria senegal dakar
    rwanda zimbabwe zambia botswana namibia mozambique madagascar mauritius seychelles tokyo osaka kyoto
    hokkaido okinawa sapporo japan seoul busan korea south-korea beijing shanghai shenzhen guangzhou
    hong-kong macau taiwan taipei singapore bangkok phuket chiang-mai koh-samui pattaya thailand bali
    jakarta indonesia vietnam hanoi saigon ho-chi-minh cambodia laos myanmar manila cebu boracay
    philippines malaysia kuala-lumpur india mumbai delhi new-delhi goa bangalore chennai kolkata hyderabad
    pakikarachi lahore bangladesh dhaka sri-lanka nepal kathmandu maldives kazakhstan uzbekistan mongolia
    sydney melbourne brisbane perth adelaide gold-coast canberra hobart tasmania queensland australia
    auckland wellington queenstown christchurch new-zealand fiji tahiti bora-bora rio-de-janeiro rio
    brazil sao-paulo são-paulo argentina buenos-aires uruguay montevideo paraguay bolivia ecuador quito
    peru lima cusco machu-picchu colombia bogota bogotá medellin medellín cartagena venezuela caracas
    panama panama-city costa-rica nicaragua honduras guatemala el-salvador belize puerto-rico san-juan
    dominican-republic punta-cana haiti jamaica bahamas nassau barbados aruba bermuda trinidad antigua
    st-lucia curacao cayman-islands europe asia africa south-america north-america latin-america
    middle-east scandinavia caribbean disney-world times-square central-park grand-canyon yellowstone
    niagara-falls
"""
_PLACES_NEAR = """
    paris austin phoenix charlotte madison brooklyn florence victoria georgia virginia montana dakota
    carolina maine washington memphis richmond arlington salem aurora lexington columbus columbia jackson
    savannah augusta lincoln buffalo jordan chile cuba china guinea niger chad mali oman sofia verona
    alexandria santiago cordoba la ny sf dc nz bergen york lancaster chelsea derby boulder reno dover
    hartford providence jersey queens bronx kent essex sussex cornwall devon norfolk vail aspen tahoe napa
    sedona mesa irvine pasadena anaheim hampton heidelberg bonn essen bremen como pisa parma siena genoa
    nara java sumatra cologne halifax hamilton kingston niagara surrey
"""
_PLACES_STRONG = "nice reading mobile bath split cork turkey orange tours bend hull wells"

# First names that are nothing else in a chat.
_FIRST_NAMES = """
    aaron abby abigail adam adrian aidan aiden alan albert alberto alejandra alejandro alessandro alex
    alexa alexander alexandra alexis alfie alfonso alfred alice alicia alison allison alyssa amanda amelia
    amy ana andre andrea andreas andrew andy angela angelina angie anita anna anne annie anthony antonio
    archie ariana arthur ashley ashton audrey ava barbara beatrice becca becky ben benjamin bernard beth
    bethany betty bianca billie billy blake bob bobby brad bradley brandon brenda brendan brent brett
    brian brianna bruce bruno bryan bryce caitlin caleb callum cameron camila camille carl carla carlos
    carly carmen caroline carrie casey cassandra cassie catherine cathy cecilia cesar charles charlie
    chelsey chloe chris christina christine christopher cindy claire clara claudia clayton cody colin
    connor conor corey cory craig curtis cynthia damian damien dan daniel daniela danielle danny darren
    dave david dean deborah declan denise dennis derek desiree devin diana diane diego dominic donald
    donna donovan doug douglas duncan dustin dylan eddie edgar eduardo edward edwin elaine eleanor elena
    eli elias elijah elise elizabeth ella ellen ellie elliot elliott emilia emily emma enrique eric erica
    erik erika erin ernesto esmeralda esteban esther ethan eva evan evelyn felicia felipe felix fernando
    fiona francesca francis francisco frankie fred freddie gabe gabriel gabriela gabriella gareth gary
    gavin gemma george gerald gerard gina giovanni gloria gordon greg gregory guillermo gustavo gwen
    hailey hannah harold harriet harrison harry harvey hayley heather hector heidi helen henry holly
    howard hugh hugo ian ibrahim igor imogen irene isaac isabel isabella isabelle isaiah isla ivan jacob
    jacqueline jade jaden jake james jamie jane janet jared jasmine jason javier jayden jayson jeff
    jeffrey jen jenna jennifer jenny jeremy jerome jerry jess jesse jessica jessie jill jim jimmy joan
    joanna jodie joe joel joey johan johanna john johnny jon jonah jonas jonathan jorge jose josé joseph
    josh joshua josie juan judith judy julia julian juliana julie juliet julio justin justine karen karl
    kate katherine kathleen kathryn kathy katie katrina kayla keith kelly kelsey ken kendra kenneth kenny
    kevin khalid kim kimberly kirsten kristen kristin kurt kyle lara larry laura lauren laurie leah leanne
    lena leo leon leonardo leroy leslie lewis liam lillian lily linda lindsay lindsey lisa liz lizzie
    logan lorenzo lori louis louise luca lucas lucia lucy luis luke lydia lynn mackenzie maddie maggie
    malcolm manuel marc marco marcos marcus margaret maria marie marina mario marissa marlon martha martin
    marvin mary mason mateo mathew matt matteo matthew maurice maya megan meghan melanie melissa mia micah
    michael micheal michelle miguel mike mikey mila mitch mitchell mohamed mohammed molly monica morgan
    muhammad nadia nancy naomi natalia natalie natasha nate nathan nathaniel neil nia nicholas nick nico
    nicola nicolas nicole nigel nikki nina noah noel nora norman oliver olivia omar oscar owen pablo pam
    pamela patricia patrick paul paula paulo pedro pete peter phil philip phillip phoebe pierre priya
    rachel rafael ralph ramon randy raquel raul raymond rebecca reece regina rené renee ricardo richard
    rick ricky robbie robert roberto rodrigo roland ron ronald ronnie rory rosie ross roy russell ryan
    sabrina sally salvador sam samantha samuel sandra santiago sara sarah scott sean sebastian serena
    sergio seth shane shannon sharon shaun shawn sheila shelby sheldon simon simone sofia sonia sophia
    sophie spencer stacey stacy stan stefan stella stephanie stephen steve steven stewart stuart susan
    suzanne sven tamara tanya tara taylor ted teresa terry theo theresa thomas tiffany tim timothy tina
    todd tom tommy tony tracy travis trevor tristan troy tyler tyrone valentina valeria vanessa veronica
    vicky victor vince vincent viktor vivian walter wayne wendy wesley whitney william willie wyatt xavier
    yasmin yusuf yvonne zach zachary zack zane zoe zoey
"""
# First names that are words, endearments, months or places too.
_FIRST_NAMES_NEAR = """
    bill miles stan rob crystal sandy daisy ray roger christian troy eve robin robyn carol mark hope faith
    rose drew grace june april chase pat frank jack max art gene jay dean guy ty kit austin charlotte
    madison florence victoria georgia virginia paris jordan chad sydney savannah jackson brooklyn chelsea
    israel lincoln bella luna ruby amber summer autumn scarlett violet ivy olive pearl joy bailey skye sky
    river reed clay cliff dale glen heath hunter tanner carter cooper parker tucker mason brook brooke
    dawn eden iris jasper laurel melody sierra destiny trinity trish tori lexi lexie riley reese quinn
    rowan sage harper kai ali amir ahmed dom gabby gus hank herb josef juno karim kat kira leila lee lola
    mel mick mickey nat nell oli ollie otto piper remy rich rita rosa roman romeo sal sid sue tess tia val
    vera vic vinny will don ace ash bo bill duke earl ellis franklin grant jewel jules kobe lance marley
    misty nova presley sasha shay stevie toby tony trey wade wes zion dani cara carolina cole colt cruz
    dana dante
"""


def _names(type: str, how: How, text: str) -> Iterator[Name]:
    return (Name(tuple(joined.split("-")), type, how) for joined in text.split())


def _by_first_word(names: Iterable[Name]) -> dict[str, tuple[Name, ...]]:
    found: dict[str, list[Name]] = {}
    for name in names:
        found.setdefault(name.words[0], []).append(name)
    return {word: tuple(sorted(own, key=lambda name: -len(name.words))) for word, own in found.items()}


BY_FIRST_WORD: Mapping[str, Sequence[Name]] = _by_first_word(
    (
        *_names("place", "free", _PLACES),
        *_names("place", "near", _PLACES_NEAR),
        *_names("place", "strong", _PLACES_STRONG),
        *_names("platform", "free", _PLATFORMS),
        *_names("platform", "near", _PLATFORMS_NEAR),
        *_names("brand", "free", _BRANDS),
        *_names("brand", "near", _BRANDS_NEAR),
        *_names("person", "free", _FIRST_NAMES),
        *_names("person", "near", _FIRST_NAMES_NEAR),
    )
)
