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
    lightroom excel chatgpt photopea windows-11 kleenex tupperware ben-and-jerry's aldi lidl tesco
    sainsburys sainsbury's asda waitrose morrisons carrefour rewe edeka kaufland wegmans kroger publix
    trader-joe's trader-joes whole-foods safeway walgreens dunkin'-donuts costa-coffee tim-hortons nandos
    nando's greggs pret-a-manger wetherspoons wagamama dfs argos homebase wickes home-depot lowe's
    best-buy media-markt decathlon sports-direct tk-maxx tj-maxx old-navy banana-republic abercrombie
    hollister american-eagle forever-21 urban-outfitters topshop river-island new-look boohoo
    prettylittlething missguided vinted depop poshmark temu aliexpress alibaba twix snickers skittles
    maltesers cadbury cadburys hershey hersheys hershey's milka lindt toblerone ferrero-rocher
    kinder-bueno pringles lays cheerios kelloggs kellogg's nestle fanta mountain-dew monster-energy
    lucozade irn-bru evian perrier san-pellegrino budweiser stella-artois carlsberg peroni absolut
    grey-goose bacardi captain-morgan jagermeister jägermeister baileys aperol campari moet moët
    veuve-clicquot estee-lauder estée-lauder l'oreal loreal l'oréal maybelline clinique lancome lancôme
    nivea neutrogena olaplex colgate gillette tampax durex vaseline old-spice cerave jo-malone
    yves-saint-laurent ysl burberry tiffany-and-co michael-kors kate-spade marc-jacobs timberland
    timberlands new-balance asics skechers under-armour north-face carhartt dickies superdry hugo-boss
    armani dolce-gabbana dolce-and-gabbana fendi givenchy bottega-veneta jimmy-choo manolo-blahnik
    agent-provocateur ann-summers bmw-m3 vw-golf vauxhall peugeot renault citroen citroën fiat-500 skoda
    škoda opel mazda mitsubishi suzuki lexus infiniti land-rover range-rover bentley rolls-royce maserati
    bugatti mclaren aston-martin mini-cooper cadillac gmc dodge-ram vespa bosch siemens philips miele
    whirlpool panasonic toshiba hitachi asus logitech alienware steam-deck oculus meta-quest google-pixel
    oneplus nokia motorola blackberry sonos sennheiser bang-and-olufsen fujifilm polaroid leica dji oral-b
    thermomix kitchenaid nutribullet tefal le-creuset pyrex hydro-flask barclaycard natwest monzo n26
    klarna clearpay afterpay western-union moneygram american-express amex mastercard wizz-air
    british-airways klm air-france turkish-airlines jetblue delta-air-lines air-canada eurostar flixbus
    amtrak deutsche-bahn hertz sixt marriott hilton hyatt holiday-inn travelodge premier-inn sims-4
    the-sims dark-souls bloodborne sekiro god-of-war red-dead-redemption red-dead gta gta-5 gta-v
    assassin's-creed assassins-creed cyberpunk-2077 baldur's-gate-3 hollow-knight world-of-warcraft
    final-fantasy kingdom-hearts resident-evil silent-hill the-last-of-us last-of-us fallout-4 fallout-76
    mass-effect dragon-age civ-6 age-of-empires rocket-league dota dota-2 csgo counterstrike rainbow-six
     fall-guys super-mario mario-party smash-bros pokemon pokémon candy-crush clash-of-clans
    clash-royale angry-birds wordle duolingo microsoft-word powerpoint microsoft-teams firefox
    premiere-pro final-cut capcut canva figma openai kindle audible adobe dropbox onedrive google-drive
    icloud airtag fire-stick chromecast roku hot-wheels playmobil jenga scrabble
    cards-against-humanity dungeons-and-dragons magic-the-gathering warhammer crayola moleskine sharpie
    post-it tempur
    co-op currys debenhams halfords screwfix matalan poundland wilko superdrug holland-and-barrett
    body-shop waterstones whsmith pizza-express pizza-hut papa-johns little-caesars dairy-queen arbys
    wingstop applebees olive-garden ihop waffle-house cracker-barrel panera shake-shack in-n-out
    jersey-mikes jimmy-johns baskin-robbins haagen-dazs reeses percy-pig marmite vegemite heinz hellmanns
    yorkshire-tea tetley pg-tips nescafe lavazza huel weetabix monopoly catan dnd factorio terraria
    palworld helldivers pubg dead-by-daylight phasmophobia forza gran-turismo nba-2k ea-sports tomb-raider
    half-life witcher hogwarts warcraft wii wii-u gameboy game-boy sega atari dreamcast ps1 ps2 ps3
    gamecube barbour roomba instant-pot dewalt makita john-deere jcb scania iveco hobby-lobby
    home-bargains ocado hellofresh hello-fresh gousto blablacar trainline megabus national-express evri
    dpd royal-mail canada-post lloyds capital-one abn-amro rabobank commerzbank sparkasse bbva
"""
_BRANDS_NEAR = "apple target puma ford converse vans crocs subway bose chrome safari boots kinder mars corona"

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
    niagara-falls antarctica atlantic pacific mediterranean arctic tirana delft odessa newport belem
    coimbra braga evora sintra cascais toledo salamanca zaragoza murcia alicante benidorm marbella cadiz
    almeria pamplona girona tarragona sitges lille rennes grenoble dijon montpellier biarritz avignon
    annecy corsica normandy provence hannover hanover nuremberg münchen köln bavaria kiel mainz freiburg
    mannheim karlsruhe augsburg dortmund duisburg wuppertal bielefeld rostock potsdam weimar trieste bari
    rimini perugia modena brescia bergamo catania puglia umbria lombardy eindhoven groningen maastricht
    leiden haarlem tilburg nijmegen leuven liege charleroi namur aarhus odense aalborg uppsala trondheim
    stavanger tromso turku tampere espoo lapland katowice poznan lodz szczecin lublin brno debrecen
    timisoara cluj varna plovdiv skopje pristina podgorica zadar pula mostar kotor tbilisi yerevan baku
    minsk chisinau izmir bursa adana trabzon fethiye marmaris haifa eilat tehran baghdad damascus jeddah
    muscat karachi islamabad rawalpindi peshawar pune jaipur ahmedabad kochi kerala rajasthan punjab
    gujarat varanasi agra colombo kandy yangon phnom-penh siem-reap da-nang hoi-an penang langkawi borneo
    lombok ubud surabaya davao palawan chengdu wuhan hangzhou nanjing xian tianjin harbin nagoya fukuoka
    nagasaki hiroshima yokohama incheon daegu jeju ulaanbaatar darwin cairns townsville geelong wollongong
    ballarat alice-springs rotorua dunedin napier tauranga samoa tonga vanuatu guam oahu kauai hilo
    fairbanks juneau yukon labrador nova-scotia new-brunswick newfoundland saskatchewan manitoba saskatoon
    whistler banff nunavut new-haven hoboken long-island staten-island coney-island atlantic-city
    jersey-city jersey-shore ocean-city syracuse albany ithaca scranton harrisburg allentown annapolis
    roanoke raleigh-durham greensboro asheville knoxville huntsville gainesville pensacola daytona
    sarasota shreveport little-rock fayetteville branson topeka sioux-falls bismarck duluth saint-paul
    st-paul green-bay lansing dayton akron fort-wayne south-bend evansville bloomington peoria amarillo
    lubbock corpus-christi galveston laredo mcallen santa-fe roswell flagstaff yuma bakersfield
    santa-barbara santa-cruz monterey big-sur san-bernardino palo-alto berkeley yakima bellingham missoula
    billings bozeman cheyenne jackson-hole provo park-city veracruz merida puebla acapulco mazatlan havana
    port-au-prince managua tegucigalpa san-salvador guayaquil galapagos arequipa
    santa-cruz-de-la-sierra valparaiso patagonia mendoza ushuaia asuncion recife fortaleza florianopolis
    brasilia curitiba porto-alegre manaus belo-horizonte barranquilla folkestone bournemouth southend
    blackpool stockport wigan warrington shrewsbury wolverhampton coventry stoke-on-trent sunderland
    middlesbrough harrogate doncaster rotherham barnsley wakefield huddersfield bradford scarborough
    whitby lincolnshire norwich ipswich colchester chelmsford peterborough luton milton-keynes northampton
    swindon gloucester cheltenham torquay exeter truro penzance isle-of-wight isle-of-man guernsey
    inverness dundee perthshire isle-of-skye orkney shetland wrexham bangor aberystwyth anglesey derry
    londonderry waterford kilkenny sligo donegal tipperary heathrow gatwick stansted jfk sahara
    himalayas everest kilimanjaro alps dolomites pyrenees balkans baltics siberia catalonia andalusia
    basque-country transylvania flanders wallonia benelux polynesia micronesia gambia malawi lesotho
    eswatini angola cameroon gabon congo kinshasa somalia eritrea djibouti sudan libya mauritania
    burkina-faso ivory-coast abidjan bamako benin togo sierra-leone liberia cape-verde canaries balearics
    menorca minorca formentera fuerteventura lanzarote paphos limassol nicosia larnaca zakynthos
    kefalonia naxos paros kalamata halkidiki peloponnese liechtenstein andorra san-marino vatican moldova
    belarus armenia azerbaijan turkmenistan tajikistan kyrgyzstan afghanistan iran iraq syria yemen
    pakistan bhutan brunei east-timor papua-new-guinea north-korea
    croydon carlisle slough watford brixton camden hackney shoreditch tottenham islington wimbledon
    notting-hill somerset dorset suffolk yorkshire lancashire cumbria hampshire wiltshire berkshire
    cheshire shropshire lake-district peak-district cotswolds snowdonia loch-ness margate eastbourne
    whitstable ramsgate skegness llandudno tenby tralee killarney wexford dundalk athlone grand-forks
    joliet kenosha dubuque cedar-rapids biloxi hilton-head outer-banks sonoma lake-tahoe yosemite hamptons
    cape-cod nantucket waikiki moncton kelowna
"""
_PLACES_NEAR = """
    paris austin phoenix charlotte madison brooklyn florence victoria georgia virginia montana dakota
    carolina maine washington memphis richmond arlington salem aurora lexington columbus columbia jackson
    savannah augusta lincoln buffalo jordan chile cuba china guinea niger chad mali oman sofia verona
    alexandria santiago cordoba la ny sf dc nz bergen york lancaster chelsea derby boulder reno dover
    hartford providence jersey queens bronx kent essex sussex cornwall devon norfolk vail aspen tahoe napa
    sedona mesa irvine pasadena anaheim hampton heidelberg bonn essen bremen como pisa parma siena genoa
    nara java sumatra cologne halifax hamilton kingston niagara surrey brittany eugene olympia moab durham
    rochester charleston springfield wilmington lafayette hastings bolton chester stamford flint canton
    waco fargo
    bury preston stoke rugby soho harlem racine erie windsor montgomery rockford highlands
"""
_PLACES_STRONG = "nice reading mobile bath split cork turkey orange tours bend hull wells"

# First names that are nothing else in a chat.
_FIRST_NAMES = """
    aaliyah aaron abby abdul abdullah abe abel abi abigail abraham ada adam adebayo adela adele adelina
    adeola adil aditya adler adrian agata agatha agnes agnieszka ahmad ahmed aidan aiden aino aisha aishah
    aitana akira alain alan alana alastair albert alberto alden aldo alejandra alejandro aleksander
    aleksandra alena alessandra alessandro alessia alex alexa alexander alexandra alexei alexis alf alfie
    alfonsina alfonso alfred alice alicia alicja alina aline alisa alison alistair allison alma alois
    alonso alva alvaro alvin alya alyssa amal amalia amanda amara amaya amelia amelie amina aminata amir
    amira amos amrita amy ana anais anastasia anaya anders andre andrea andreas andrei andrej andrew
    andrzej andy aneta angela angelica angelika angelina angelo angie anika anita anja anjali anke anna
    annabel annabelle annalise anne anneke annelies annette annie annika annmarie anouk ansel anthony
    antoine antoinette anton antonella antonia antonio anya aoife arabella araceli archie ariana arjun
    arlene arlo armand armando arnie arnold arthur arturo arun arya asha asher ashlee ashleigh ashley
    ashlyn ashton asim astrid athena aude audrey augustin aurelie aurélie ava avery axel ayesha aylin
    ayumi aziz azra babs bailee baptiste barbara barbie barney barry bartek bastian bea beata beatrice
    beatrix beatriz bec becca becky belinda ben benedict benedikt benita benito benjamin benji benoit
    berenice bernadette bernard bernd bernice bernie bert bertha bertie bess beth bethany betsy bettina
    betty bev beverley bex bianca billie billy birgit bjorn björn blaise blake blanca bob bobbie bobby
    bogdan boris borja brad bradley bram brandi brandon brayden breanna brenda brendan brendon brent brett
    brian brianna brianne bridget brigitte britney brittany bronwyn brooklynn bruce bruno bryan bryce
    bryony byron caio caitlin caitlyn caleb callum calum cameron camila camilla camille candace candice
    caoimhe carina carl carla carlos carlotta carly carmela carmen carole caroline carolyn carrie carys
    casey casper cassandra cassidy cassie catalina catarina caterina cathal catherine cathy caz cecil
    cecile cecilia cecily cedric celia celine ceri cerys cesar cesare chantal chantelle charlene charles
    charley charlie charlize charmaine chas chelsey chelsie cheryl chiara chloe chris chrissie christa
    christi christie christina christine christoph christophe christopher christos cian ciara ciaran
    cillian cindy claas claire clara clarence clark claudette claudia claudine claudio clayton clemens
    clement cleo cleopatra clifford clint clive cody coleen colette colin colleen concetta conchita connie
    connor conor conrad consuelo cora coralie cordelia corey corinne cormac cornelia cornelius corrine
    cory cosima courtney craig cristian cristiano cristina cristobal curtis cynthia cyril céline dafydd
    dagmar dahlia daisuke dalia dalton damian damien damo damon dan dani danica daniel daniela danielle
    danny dante daphne darcey darcy daria dario darius darla darlene darrell darren darrin darryl daryl
    dashiell dave davey david davide davo dawid daz dean deandre deano deb debbie deborah debra debs
    declan dee deepak deirdre delia delilah delphine delroy demetria demetrius demi denis denise dennis
    denny derek dermot derrick deshawn desiree desmond devin deya dhruv diana diane diarmuid didier diego
    dieter dietmar dilan dilys dimitri dimitris dinah dinesh dirk dmitri dolores dominic dominik dominika
    dominique donal donald donna donnacha donnie donovan dora doreen dorian doris dorota dorothea dorothy
    doug dougal dougie douglas doyle duarte dulcie duncan dustin dwayne dwight dylan eadie eamon eamonn
    ebenezer edda eddie eddy edgar edie edith edmund edna edoardo eduardo edward edwin eero effie efrain
    efren egon eileen eilidh eilish ekaterina elaine eleanor elena eleni eli elia eliana elias elif elijah
    elin elinor elisa elisabeth elise eliza elizabeth elke ella ellen ellie elliot elliott ellis elly
    elodie eloise elsa elsie elton elvira elvis elwood emanuel emanuele emer emerson emiko emil emile
    emilia emilio emily emine emlyn emma emmanuel emmett enid enrico enrique enya enzo eoin eric erica
    erik erika erin erling ernest ernesto ernie errol erwin esme esmeralda esmé espen esteban estelle
    esther ethan ethel etienne etta euan eugene eugenia eunice eva evan evangeline evelina evelyn evie ewa
    ewan ezekiel ezra fabian fabien fabio fabrice fabrizio farah farhan farid fatih fatima fatou fay faye
    federica federico felicia felicity feliks felipe felix ferdinand fergal fergus fernanda fernando ffion
    fidel filip filippo finbar finlay finley finn fion fiona fitz fleur florian flossie floyd fran frances
    francesca francesco francine francis francisco francois frankie franklin franz franziska françois
    fraser fred freda freddie freddy frederic frederick frederik fredrik freja freya frida frieda
    friedrich fritz gabe gabriel gabriela gabriella gabs gaelle gail gareth garrett gary gaston gav gavin
    gaynor gaz gazza geena geert gemma geoff geoffrey george georgie gerald geraldine geraldo gerard gerda
    gerhard germaine gerry gertie gertrude gethin ghislaine giacomo gianluca gianna gianni gil gilbert
    gilberto giles gillian gina ginny gino gintaras giorgia giorgio giorgos giovanna giovanni gisele
    giselle giulia giuliana giulio giuseppe gladys glenda glenn gloria gonzalo goran gordon gracie graeme
    graham grainne greer greg gregg gregor gregory greta gretchen gudrun guido guillermo gunnar gunter gus
    gustavo gwen gwenda gwendolyn gwyn gwyneth günter günther haakon hadiya hadley hailey haley halima
    hamish hamza hana hank hanna hannah hanne hans hansel harald harish harlan harold haroon harri harriet
    harrison harry haruki haruto harvey hassan hattie hayley heather hector hedda hedwig heidi heike heiko
    heinrich heinz helen helena helene helga helmut hendrik henk henri henriette henrik henry herbert
    herbie herman hermann hermione hettie hideo hilary hilda hildegard hiro hiroko hiroshi holger holly
    horace horst hortense howard hubert huda hugh hugo hussein huw iain ian ibrahim ida idris ieuan
    ignacio ignatius igor ike ilaria ilir ilona ilse iman imelda imogen imran ina inaki indira ines inga
    inge inger ingrid inigo inés ioana ioanna iolanda iolo iona irene irina irma irving isaac isabel
    isabela isabella isabelle isaiah isaias ishaan isidora isla ismael ismail isobel isolde issy itzel
    ivan ivana iveta ivo ivonne ivor izabela izzy jaan jaap jacek jacinda jacinta jackie jacob jacqueline
    jacques jada jade jaden jagoda jaime jake jakey jakob jakub jalen jamal james jamie jamila jana jane
    janek janelle janet janette janey janice janina janine janis jannik jared jarek jaroslav jarrod jarvis
    jase jasmin jasmina jasmine jason jav javid javier jayden jayla jaylen jaymie jayson jaz jeanette
    jeanne jeannette jeannie jed jeff jeffrey jelena jemima jemma jen jenn jenna jenni jennie jennifer
    jenny jens jeremiah jeremy jermaine jerome jerry jerzy jess jesse jessica jessie jessika jethro jette
    jez jezza jill jim jimbo jimena jimmy jina jiri jitka jo joachim joan joana joanie joanna joao joaquin
    jocelyn jochen jodi jodie jody joe joel joelle joey johan johanna john johnnie johnny jokin jolanda
    jolanta jolene jon jonah jonas jonathan joni jonny jools joost jordana jordi jordy jorg jorge jorgen
    jorik joris jose josef josefina josefine joseph josephine josh joshua josie joss josue josé jovan
    joyce juan juanita jude judi judie judith judy juergen juha julia julian juliana julianna julianne
    julie julien juliet juliette julio junichi juno jurgen jussi justin justina justine jörg jürgen kaan
    kacey kai kaiser kaitlin kaitlyn kaja kalle kamal kamil kamila kane kaori kara kareem karel karen
    karim karin karina karl karolina kasia kaspar kasper katarina katarzyna kate katerina kateryna kath
    katharina katherina katherine kathi kathleen kathrin kathryn kathy katie katja katrina katya kavita
    kaya kayla kaylee kayleigh kaz kazuo keanan keanu keelan keiko keira keith kelli kellie kelly kelsey
    kelvin kemal ken kendal kendra kendrick kenji kenneth kenny keren keri kerry kerstin kevin keziah
    khadija khalid khalil kian kiara kieran kieron kiki killian kim kimberly kimmie kimmy kira kirk
    kirsten kirsty kjell klaas klara klaus koen kofi kojo konstantin kris krishna krista kristen kristian
    kristie kristin kristina kristine kristof kristy krystal krzysztof kurt kurtis kwame kwesi kyla kyle
    kylie kyra lachlan laerke laila lakeisha lakshmi lamar lana lara larissa larry lars laszlo latisha
    latoya laura lauren laurence laurent lauretta lauri laurie lavinia lavonne layla lazaro leah leandro
    leanna leanne leena leia leif leila lena leni lenka lennart lenny leo leon leona leonard leonardo
    leonie leonora leopold leroy leslie leszek leticia letitia letty levi lewis lexi lexie leyla lia liam
    liane libby lidia lieke liesbeth liesel liesl lilah lilia lilian liliana lilith lilli lillian
    lillie lily lina linda lindsay lindsey linnea lionel lisa lisbeth lise lisette livia livvy liz lizzie
    ljubica llewellyn lloyd logan lois lonnie lorcan loren lorena lorenzo loretta lori lorna lorraine
    lotte lottie lou louella louie louis louisa louise lourdes lowri loz luana luann luca lucas lucia
    luciana luciano lucie lucien lucille lucinda lucretia lucy ludmila ludovic ludwig luigi luis luisa
    luka lukas lukasz luke lulu lupe luther lydia lyla lyndon lyndsey lynette lynn lynne lynsey lyra
    maarten mabel maciej mack mackenzie madalena maddie maddox maddy madeleine madeline mads maeve magda
    magdalena maggie magnus mahmoud mahmud mai maia maisie maite maja makayla malachi malcolm malgorzata
    malik malin mallory mandy manfred manny manon manuel manuela marc marcel marcela marcelo marcia marcin
    marco marcos marcus marek margaret margarita marge margie margit margo margot marguerite mari maria
    mariah mariam mariana marianna marianne maribel marie marielle marijke marika marilyn marina mario
    marion marisa marisol marissa marit mariusz marjorie marko markus marla marlene marley marlon marnie
    marta marten martha martijn martin martina martine marty martyna marvin marwan mary maryam maryanne
    mason matas matej mateo mateusz mathew mathias mathilda mathilde mathis matilda matt matteo matthew
    matthias mattias mattie maud maude maureen maurice mauricio maurizio mauro mavis maxim maxime
    maximilian maxine maxwell maya maz małgorzata mckenna meena meera megan meghan mehdi mehmet mei
    melanie melina melinda melissa melvin meredith meret merete merv mervyn mette mia micaela micah
    michael michaela michal michalina michał micheal michele michelle micky miguel miguelito mihai mikael
    mikaela mike mikey mikhail miki mikkel mikko mila mildred milena millie milo mimi mina minna minnie
    mira miranda mirela miriam mirjam mirko miroslav misha mitch mitchell moe mohamad mohamed mohammad
    mohammed mohan moira molly mona monica monika monique montserrat monty morag mordecai morgan moritz
    morris morten moses moshe muhammad muhammed murat muriel murray mustafa mustapha myfanwy myles myra
    myriam myrtle nadeem nadia nadine nadja naima nancy nanette naoki naomi naomie narelle nash nasser
    natacha natalia natalie natalka natalya natasha natasza nate nathalie nathan nathaniel naveed nayeli
    ned neela neha neil nele nell nelly nelson nena nerea nestor nettie neville nia nial niall niamh
    nicholas nick nicki nicklas nicky nico nicola nicolai nicolas nicole nicoletta niels nige nigel nikhil
    nikita nikki niklas niko nikolai nikolas nikos nils nina ninette nita nkechi noa noah noel noelle
    noemi nola nolan noor nora norbert noreen norma norman norris nuno nuria octavia octavio odette odin
    ofelia oisin oksana olaf olamide oleg oleksandr olga oli oliver olivia oliwia ollie olu olumide
    olympia omar omari ondrej oona ophelia oriana orla orson orville osama oscar oskar osvaldo oswald otis
    ottavia ottilie otto ottoline owain owen pablo paco paddy padraig paige paloma pam pamela pammy panos
    paola paolo parveen pascal pascale patrice patricia patrick patrik patrizia patsy patti patty paul
    paula paulette pauli pauline paulo pavel pavlos pawel pedro peggy pekka pepe percival percy perla
    pernille pete peter petra petros phelan phil philip philippa philippe phillip phoebe phyllis pia
    pierre piet pieter pilar piotr pippa polly porfirio pradeep pranav presley priscilla priti priya
    priyanka prue qasim quentin quincy quinn quintin rachel rachelle radek radoslav raf rafa rafael
    rafaela rafal raffaele rafi ragnar raheem rahul raina rainer raj rajesh rajiv ralph ramesh ramiro
    ramon ramona randall randy rania raoul raphael raquel raquelle rasheed rasheeda rashid rashida rasmus
    raul ravi rayan raymond raymundo reagan rebecca rebekah reece reggie regina reginald regine reinhard
    reinhold remi remy renata renate renato rene renee rené reto reuben reza rhea rhett rhianna rhiannon
    rhoda rhona rhonda rhys ria ricarda ricardo riccardo richard richie rick ricky rik rikke riley rina
    rishi ritchie robbie robbo robert roberta roberto rocco rocio rodney rodolfo rodrigo roel rohan roisin
    roland rolando rolf romain romana romeo romina romy ron ronald ronan ronja ronnie roos rory ros rosa
    rosalba rosalia rosalie rosalind rosalinda rosalyn rosamund rosanna rosario roseanne rosemarie roshni
    rosie roslyn ross rowena roxana roxanne roxie roxy roy royston roz ruben rudi rudolf rufus rupert
    russel russell ruta rutger ruth ryan ryder saanvi sabina sabine sabrina sacha sade sadie saff sakura
    salim sally salma salome salvador salvatore sam samad samantha samara sami samir samira sammy samuel
    samuli sandeep sander sandi sandra sandro sania sanjay sanna sanne santi santiago santino saoirse sara
    sarah sasha saskia satoshi saul sayaka schuyler scott scottie seamus sean seb sebastian sebastien
    selena selim selina selma serafina serena serge sergei sergej sergio sergiu serhiy seth severin
    seymour shakira shane shanelle shania shanice shannen shannon sharif sharlene sharon shaun shauna
    shawn shawna shay shayla shaz shea sheena sheila shelby sheldon shelley shelly sherri sherry sheryl
    shira shirin shirl shirley shiv shlomo shona shreya shyla sibylle sid sidney siegfried signe sigrid
    silas silke silvia silvio simon simone simran sindre sinead sinéad siobhan siobhán sissel sita
    slawomir snezana sofia sohail solange solene solveig sonia sonja sonya sophia sophie soraya soren
    spencer stacey staci stacy stan stanislav stanislaw stanley stef stefan stefania stefanie stefano
    steffen steffi stelios stella sten steph stephan stephane stephanie stephen stephie stephon steve
    steven stevie stewart stewie stijn stina stine stu stuart suki sunita sunniva susan susana susanna
    susannah susanne sushila susie suz suzanne suzie suzy sven svenja svetlana sybil syd sylvain sylvia
    sylvie szymon sébastien søren taavi tabitha tadhg tahlia takashi takumi talia tallulah tamar tamara
    tamika tamsin tamsyn tania tanya tara tariq tasha tatiana tatyana tayla taylor taz teagan ted tegan
    teo terence teresa teresita terje terrance terrell terrence terri terry tess tessa tez thaddeus thalia
    thandi thea thelma theo theodor theodora theodore theresa therese thibault thierry thies thijs thom
    thomas thora thorben thorsten tiago tiana tianna tibor tiernan tiffany tilda tillie tilly tim timmy
    timo timothee timothy tina tobi tobias toby todd tom tomas tomasz tommaso tommy tomás toni tony tonya
    torben tori torsten tove tracey tracy travis trent trev trevon trevor tricia trish tristan trixie troy
    trudi trudy tunde tuomas tuva tyler tyra tyrell tyrone tyson ugo ulf uli ulla ulrich ulrike umar
    umberto ursula uschi usman uwe vaclav vadim valentin valentina valeria valerie valery vanesa vanessa
    vanya vasco vasilis veera velma vera vernon veronica veronika veronique vesna vic vicente vicki vicky
    victor vijay vik vikki vikram viktor viktoria vilma vince vincent vincenzo vinny violetta virgil
    virginie vishal vitor vittoria vittorio viv vivek vivian viviana vivien vivienne vlad vladimir vojtech
    volker wahid walid walter wanda warren waylon wayne wendell wendy wenzel werner wes wesley whitney
    wiebke wiktor wiktoria wilbur wilf wilfred wilhelm wilhelmina willa willem william willie wilma wim
    winifred winnie winston witold wojciech wojtek wolfgang wyatt xander xavi xavier ximena xiomara xiu
    yael yahya yana yann yannick yannis yara yasmin yasmina yasmine yasuko yelena yesenia yiannis yohan
    yoko yolanda yosef yoshi youssef yuki yuliya yuri yusra yusuf yuto yves yvette yvonne zac zach
    zachariah zachary zack zadie zahara zahra zainab zak zane zbigniew zdenek zdenka zeke zena zeynep zhen
    zia ziggy zlatan zoe zoey zoltan zora zoya zsofia zsolt zuri zuzana zuzanna émilie étienne łukasz
"""
_PERFORMERS = """
    amy-winehouse ariana-grande bad-bunny beyonce beyoncé billie-eilish bob-dylan bob-marley brad-pitt
    britney-spears bruce-springsteen bruno-mars cardi-b celine-dion charli-xcx david-bowie doja-cat
    dolly-parton dua-lipa ed-sheeran elton-john elvis-presley eminem freddie-mercury george-michael
    harry-styles jennifer-lopez johnny-cash justin-bieber kanye kanye-west katy-perry keanu-reeves
    kendrick-lamar kim-kardashian kylie-minogue lady-gaga lana-del-rey lewis-capaldi lionel-messi lizzo
    madonna margot-robbie mariah-carey megan-thee-stallion messi michael-jackson miley-cyrus neymar
    nicki-minaj olivia-rodrigo phil-collins post-malone rihanna ronaldo rod-stewart ryan-gosling
    ryan-reynolds sabrina-carpenter scarlett-johansson selena-gomez shania-twain snoop-dogg stevie-nicks
    taylor-swift timothee-chalamet tom-cruise tom-hanks travis-scott whitney-houston zendaya
"""
# First names that are words, endearments, months or places too.
_FIRST_NAMES_NEAR = """
    ace al alba ali amber angus april art ash aurelia austin autumn bailey bart basil baz bella bill
    blanche bo bonnie brandy brook brooke brooklyn cal cam cara carol carolina carter celeste chad
    charlotte chase chelsea christian chuck claude clay clementine cliff col cole colt cooper cosmo cruz
    crystal curt cyrus daisy dale dana dawn dean destiny dexter dina dom don dot drew duke earl ebony ed
    eden emmy eve faith fern flo flora florence frank gabby gale gaspard gene georgia ginger glen goldie
    grace grant guy harper hazel heath herb homer hope hunter hyacinth ira iris israel ivy jack jackson
    jasper jay jewel jordan joy judas jules june kat kay kean kip kit kitty kobe lacey lance laurel lea
    lee lex lin lincoln linus liv lola luna mac madison mae mara marin mark mason max mel melody merle
    merlin mick mickey miles misty nat norm nova olive oz paris parker pat pearl penelope penny perry pip
    piper pixie poppy preston prudence raven ray raz reed reese ren rich rita river rob robin robyn rod
    roger roman ronny rose rowan ruby rudy russ sage sal sandy savanna savannah scarlet scarlett sienna
    sierra sky skye sonny stan sterling sue summer sydney tam tanner tash tatum teddy tex thor tia tod
    trey trinity tucker ty val verity victoire victoria viola violet virginia wade wallace will willow
    woody wren yan zed zion
    mai romeo vera
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
        *_names("person", "free", _PERFORMERS),
        *_names("person", "near", _FIRST_NAMES_NEAR),
    )
)
