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
"""
_PLACES_STRONG = "nice reading mobile bath split cork turkey orange tours bend hull wells"

# First names that are nothing else in a chat.
_FIRST_NAMES = """
    aaliyah aaron abby abdul abdullah abel abi abigail abraham ada adam adela adele adelina adil aditya
    adrian agata agatha agnes agnieszka ahmad aidan aiden aino aisha aishah aitana akira alain alan alana
    alastair albert alberto alden aldo alejandra alejandro aleksandra alena alessandra alessandro alessia
    alex alexa alexander alexandra alexis alfie alfonsina alfonso alfred alice alicia alina alisa alison
    alistair allison alma alois alonso alvaro alvin alya alyssa amal amalia amanda amara amaya amelia
    amina aminata amira amy ana anaya anders andre andrea andreas andrei andrej andrew andrzej andy aneta
    angela angelica angelika angelina angie anika anita anja anjali anke anna annabel annabelle annalise
    anne anneke annelies annette annie annika annmarie ansel anthony antoine antoinette anton antonella
    antonia antonio anya aoife arabella araceli archie ariana arjun arlene arlo armand armando arnold
    arthur arturo arya asha ashlee ashleigh ashley ashlyn ashton asim astrid audrey aurelie aurélie ava
    axel ayesha aylin aziz babs bailee baptiste barbara bartek bastian bea beatrice beatrix beatriz becca
    becky belinda ben benedict benedikt benita benito benjamin benji benoit berenice bernadette bernard
    bernd bernice bertha beth bethany bettina betty beverley bianca billie billy birgit bjorn björn blaise
    blake bob bobby bogdan boris brad bradley bram brandi brandon breanna brenda brendan brendon brent
    brett brian brianna brianne bridget brigitte britney brittany bronwyn brooklynn bruce bruno bryan
    bryce bryony caio caitlin caitlyn caleb callum calum cameron camila camilla camille candace carina
    carl carla carlos carlotta carly carmela carmen carole caroline carolyn carrie casey casper cassandra
    cassidy cassie catalina catarina caterina cathal catherine cathy cecil cecile cecilia cecily celia
    celine cesar cesare chantal chantelle charlene charles charley charlie charlize charmaine chelsey
    chelsie cheryl chiara chloe chris christa christi christie christina christine christoph christophe
    christopher christos ciara ciaran cillian cindy claas claire clara claudia claudine claudio clayton
    clemens cleo clifford clint clive cody coleen colette colin colleen concetta conchita connie connor
    conor conrad cora coralie cordelia corey corinne cornelia cornelius corrine cory courtney craig
    cristian cristiano cristina cristobal curtis cynthia cyril céline dagmar dahlia daisuke dalia dalton
    damian damien damon dan daniel daniela danielle danny daphne darcey darcy daria dario darius darla
    darlene darrell darren darryl daryl dave davey david davide dawid dean debbie deborah debra declan
    deepak deirdre delia delilah delphine demetrius demi denis denise dennis denny derek derrick desiree
    devin deya dhruv diana diane diarmuid didier diego dieter dietmar dimitri dimitris dirk dmitri dominic
    dominik dominika dominique donal donald donna donnie donovan dora doreen dorian doris dorota dorothea
    dorothy doug dougal douglas doyle duarte duncan dustin dwayne dwight dylan eamon edda eddie edgar edie
    edith edmund edna edoardo eduardo edward edwin efrain efren egon eileen eilidh ekaterina elaine
    eleanor elena eli elia elias elif elijah elin elisa elisabeth elise eliza elizabeth elke ella ellen
    ellie elliot elliott elly eloise elsa elsie elton elvira elvis elwood emanuel emanuele emer emerson
    emil emile emilia emilio emily emine emma emmanuel emmett enrico enrique enya enzo eric erica erik
    erika erin ernest ernesto ernie errol erwin esme esmeralda esmé espen esteban estelle esther ethan
    etienne eugene eugenia eunice eva evan evangeline evelina evelyn evie ewa ewan ezekiel ezra fabian
    fabien fabio fabrice fabrizio farah farid fatima fatou faye federica federico felicia feliks felipe
    felix ferdinand fergus fernanda fernando fidel filip filippo finlay finley finn fiona florian floyd
    francesca francesco francine francis francisco francois frankie franziska françois fraser fred freda
    freddie frederic frederick frederik freja freya frida frieda friedrich gabe gabriel gabriela gabriella
    gaelle gail gareth gary gaston gavin gaynor geena geert gemma george gerald geraldine geraldo gerard
    gerda gerhard germaine gerry gertrude ghislaine giacomo gianluca gianna gianni gilbert gilberto giles
    gillian gina ginny gino giorgia giorgio giorgos giovanni gisele giselle giulia giuliana giulio
    giuseppe gladys glenda glenn gloria gonzalo goran gordon graeme graham grainne greg gregor gregory
    greta gretchen gudrun guido guillermo gunnar gunter gustavo gwen gwendolyn gwyneth günter günther
    hadley hailey haley halima hamish hamza hanna hannah hanne hans hansel harald harlan harold haroon
    harri harriet harrison harry haruki haruto harvey hassan hattie hayley heather hector hedda hedwig
    heidi heike heiko heinrich heinz helen helena helene helga helmut hendrik henri henriette henrik henry
    herbert herman hermann hermione hilary hilda hildegard hiroko hiroshi holger holly horace horst
    hortense howard hubert huda hugh hugo hussein huw iain ian ibrahim ida idris ignacio ignatius igor
    ilaria ilona ilse iman imelda imogen imran ina indira ines inga inge inger ingrid inigo inés ioana
    ioanna iolanda iona irene irina irma irving isaac isabel isabela isabella isabelle isaiah isaias
    isidora isla ismael ismail isolde ivan ivana iveta ivo ivonne izabela izzy jaap jacek jacinta jackie
    jacob jacqueline jacques jada jade jaden jaime jake jakob jakub jalen jamal james jamie jamila jana
    jane janek janelle janet janette janice janina janine janis jannik jared jarek jarrod jarvis jasmin
    jasmine jason javid javier jayden jayla jaylen jaymie jayson jeanette jeanne jeannie jeff jeffrey
    jemima jemma jen jenn jenna jenni jennie jennifer jenny jens jeremiah jeremy jermaine jerome jerry
    jerzy jess jesse jessica jessie jessika jethro jette jill jim jimena jimmy jitka joachim joan joana
    joanna joaquin jochen jodi jodie jody joe joel joelle joey johan johanna john johnny jolanda jolene
    jon jonah jonas jonathan jonny joost jordana jordi jorg jorge jorgen jose josefina josefine joseph
    josephine josh joshua josie joss josue josé joyce juan juanita jude judi judie judith judy juergen
    julia julian juliana julianna julianne julie julien juliet julio jurgen jussi justin justina justine
    jörg jürgen kaitlin kaitlyn kamal kamil kamila kara kareem karen karin karina karl karolina kasia
    kaspar katarina katarzyna kate katerina kateryna kath katharina katherina katherine kathi kathleen
    kathrin kathryn kathy katie katja katrina katya kavita kaya kayla kaylee kayleigh keanu keiko keira
    keith kelli kellie kelly kelsey kelvin kemal ken kendal kendra kendrick kenji kenneth kenny keri kerry
    kerstin kevin khadija khalid kian kiara kieran kieron killian kim kimberly kimmy kirk kirsten kirsty
    kjell klara klaus koen konstantin kris krishna krista kristen kristian kristie kristin kristina
    kristine kristof kristy krzysztof kurt kurtis kyla kyle kylie kyra lachlan laila lakshmi lamar lana
    lara larissa larry lars latisha latoya laura lauren laurence laurent lauretta lauri laurie lavinia
    lavonne layla lazaro leah leandro leanna leanne leena leif lena leni lenka lennart lenny leo leon
    leona leonard leonardo leonie leonora leopold leroy leslie leszek leticia letitia levi lewis leyla lia
    liam liane lidia lieke liesbeth liesel lilia lilian liliana lilith lilli lillian lily lina linda
    lindsay lindsey lionel lisa lisbeth lise lisette livia liz lizzie llewellyn lloyd logan lois lonnie
    lorcan loren lorena lorenzo loretta lori lorna lorraine lotte lottie louie louis louisa louise lourdes
    luana luann luca lucas lucia luciana luciano lucie lucien lucille lucinda lucretia lucy ludmila
    ludovic ludwig luigi luis luisa lukas lukasz luke luther lydia lyla lyndon lynette lynn lynne lyra
    maarten mabel maciej mackenzie madalena maddie madeleine madeline mads maeve magda magdalena maggie
    magnus mahmoud maia maisie makayla malachi malcolm malgorzata malik malin mallory mandy manfred manny
    manon manuel manuela marc marcel marcela marcelo marcia marcin marco marcos marcus marek margaret
    margarita margit margot marguerite maria mariah mariam mariana marianna marianne maribel marie
    marielle marijke marika marilyn marina mario marion marisa marisol marissa marit marjorie markus marla
    marlene marlon marnie marta marten martha martijn martin martina martine marty martyna marvin marwan
    mary maryam maryanne mason matej mateo mateusz mathew mathias mathilda mathilde mathis matt
    matteo matthew matthias mattias maud maude maureen maurice mauricio maurizio mauro mavis maxim maxime
    maximilian maxine maxwell maya małgorzata mckenna meera megan meghan mehdi mehmet mei melanie melina
    melinda melissa melvin meredith mette mia micaela micah michael michaela michal michalina michał
    micheal michele michelle miguel miguelito mikael mike mikey mikhail miki mikkel mikko mila milena milo
    minnie miranda mirela miriam mirko miroslav misha mitch mitchell mohamad mohamed mohammad mohammed
    moira molly mona monica monika monique montserrat mordecai morgan moritz morten moses muhammad
    muhammed muriel mustafa myles myra myriam nadia nadine nadja naima nancy naomi naomie narelle natacha
    natalia natalie natalya natasha natasza nate nathalie nathan nathaniel naveed nayeli neha neil nele
    nelly nelson nena nerea nestor neville nia niall niamh nicholas nick nicki nicklas nico nicola nicolai
    nicolas nicole nicoletta niels nigel nikhil nikita nikki niklas niko nikolai nikolas nikos nils nina
    ninette noah noel noelle noemi nola nolan noor nora norbert noreen norma norman norris nuno nuria
    odette odin ofelia olaf oleg oleksandr olga oliver olivia oliwia olympia omar omari oona ophelia
    oriana orla orson orville osama oscar osvaldo oswald ottavia ottilie owain owen pablo paco paddy paige
    paloma pam pamela panos paola paolo pascal pascale patrice patricia patrick patrik patrizia patsy
    patti patty paul paula paulette pauline paulo pavel pavlos pedro peggy pepe percival percy perla
    pernille pete peter petra petros phelan phil philip philippa philippe phillip phoebe phyllis pia
    pierre piet pieter piotr pippa porfirio pradeep pranav priscilla priya priyanka qasim quentin quincy
    quintin rachel rachelle radek radoslav rafa rafael rafaela rafal raffaele ragnar rahul raina rainer
    raj rajesh ralph ramesh ramiro ramon ramona randall randy rania raoul raphael raquel raquelle rasheed
    rashida rasmus raul ravi rayan raymond raymundo reagan rebecca rebekah reece reggie regina reginald
    regine reinhard reinhold remi renata renate renato renee rené rhea rhett rhiannon rhoda rhonda ria
    ricarda ricardo riccardo richard richie rick ricky rikke rina rishi ritchie robbie robert roberta
    roberto rocio rodney rodolfo rodrigo rohan roisin roland rolando rolf romain romana romina romy ron
    ronald ronan ronja ronnie rory rosalba rosalia rosalie rosalind rosalinda rosalyn rosamund rosanna
    roseanne rosemarie roshni rosie roslyn ross rowena roxana roxanne roxy roy ruben rudi rudolf rufus
    rupert russel russell rutger ruth ryan saanvi sabine sabrina sacha sadie salim sally salma salome
    salvador salvatore sam samad samantha samara sami samir samira sammy samuel sandeep sander sandi
    sandra sandro sania sanjay sanne santiago santino saoirse sara sarah saskia satoshi saul schuyler
    scott sean sebastian sebastien selena selina selma serafina serena serge sergei sergej sergio serhiy
    seth severin seymour shakira shane shania shanice shannen shannon sharif sharlene sharon shaun shauna
    shawn shawna shayla sheila shelby sheldon shelly sherri sherry sheryl shirin shirley shiv shona shreya
    shyla sibylle sidney siegfried sigrid silas silke silvia silvio simon simone sinead sinéad siobhan
    siobhán sissel slawomir sofia solange solene sonia sonja sonya sophia sophie soraya soren spencer
    stacey staci stacy stan stanislav stanley stefan stefania stefanie stefano steffen steffi stelios
    stella sten stephan stephane stephanie stephen stephon steve steven stewart stijn stina stine stuart
    suki sunita sunniva susan susana susanna susannah susanne susie suzanne suzie suzy sven svenja
    svetlana sybil sylvain sylvia sylvie szymon sébastien søren tabitha tahlia takashi takumi talia
    tallulah tamar tamara tamika tamsin tania tanya tara tariq tasha tatiana tatyana tayla taylor teagan
    ted tegan teo terence teresa teresita terrance terrence terri terry tessa thaddeus thalia thea thelma
    theo theodor theodora theodore theresa therese thibault thierry thies thijs thom thomas thora thorben
    thorsten tiago tiana tianna tiernan tiffany tilda tillie tilly tim timmy timo timothee timothy tina
    tobi tobias todd tom tomas tomasz tommaso tommy tomás toni tony tonya torsten tracey tracy travis
    trevon trevor tricia tristan trixie troy trudy tuomas tyler tyrell tyrone tyson ugo ulf uli ulrich
    ulrike umar umberto ursula uschi usman uwe vaclav valentin valentina valeria valerie valery vanesa
    vanessa vanya vasco vasilis velma veronica veronika veronique vesna vicente vicki vicky victor vijay
    vikram viktor viktoria vilma vince vincent vincenzo violetta virgil virginie vishal vitor vittoria
    vittorio vivek vivian viviana vivien vivienne vladimir vojtech volker wahid walid walter wanda waylon
    wayne wendell wendy wenzel werner wesley whitney wiebke wiktor wilbur wilfred wilhelm wilhelmina willa
    willem william willie wilma winifred winnie winston witold wojciech wolfgang wyatt xander xavi xavier
    ximena xiomara yael yahya yana yannick yannis yara yasmin yasmina yasmine yelena yesenia yiannis yoko
    yolanda yoshi youssef yuki yuliya yuri yusra yusuf yves yvette yvonne zach zachariah zachary zack
    zadie zahara zahra zainab zak zane zbigniew zdenek zeke zena zeynep zoe zoey zoltan zora zoya zsofia
    zuri zuzana émilie étienne łukasz
"""
# First names that are words, endearments, months or places too.
_FIRST_NAMES_NEAR = """
    abe ace ahmed al alba ali alva amber amir angus april art ash aurelia austin autumn bailey barney
    barry bart basil baz bec bella bev bill blanca blanche bo bonnie brandy brook brooke brooklyn cal
    candice cara carol carolina carter caz celeste chad charlotte chase chelsea christian chuck claude
    clay clement clementine cliff cole colt consuelo cooper cosmo cruz crystal cyrus daisy dale dana dani
    dante dawn daz dean deb dee destiny dexter dina dolores dom don dot drew duke earl ebony ed eden
    effie ellis etta eve faith fay felicity fern fleur flo flora florence frank franklin franz fritz
    gabby gale garrett gaspard gaz gene georgia gil ginger glen goldie grace grant gus guy hank harper
    hazel heath herb homer hope hunter hyacinth ira iris israel ivor ivy jack jackson jasper jay jed jewel
    jez jo joni jordan josef joy judas jules june juno kai kane karim kat kay kean kip kira kit kitty kobe
    lacey lance laurel lea lee leila lex lexi lexie lin lincoln linus liv lola lou loz lulu luna mac
    maddox madison mae mai mara marin mark marley mason max maz mel melody merle merlin mick mickey miles
    mimi mina minna mira misty moe murray nat ned nell noa nova octavia octavio oli olive ollie otis otto
    oz paris parker pat pearl penelope perry pilar pip piper polly poppy presley preston prudence quinn
    raf raven ray raz reed reese remy ren rhys rich riley rita river rob robin robyn rocco rod roger roman
    romeo ronny rosa rosario rose rowan roz ruby rudy russ ryder sage sal sandy sasha savanna savannah
    scarlet scarlett seb shay shaz shea sid sienna sierra sky skye stan stef sterling stevie sue summer
    sydney tam tanner tatum teddy tess tex thor tia toby tod tony tori trev trey trinity trish troy tucker
    ty val vera verity vernon vic victoire victoria vinny viola violet virginia wade wallace warren
    wes will woody wren yan zed zia zion
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
