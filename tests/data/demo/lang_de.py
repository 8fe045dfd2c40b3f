"""German sentences of the demo model. See lang_en.py for the syntax."""

ROOMS = {  # canonical name -> in, of, room (the compound stem)
    "kitchen": ("in der küche", "der küche", "küchen"),
    "living room": ("im wohnzimmer", "des wohnzimmers", "wohnzimmer"),
    "bedroom": ("im schlafzimmer", "des schlafzimmers", "schlafzimmer"),
    "bathroom": ("im badezimmer", "des badezimmers", "badezimmer"),
    "office": ("im büro", "des büros", "büro"),
    "hallway": ("im flur", "des flurs", "flur"),
    "dining room": ("im esszimmer", "des esszimmers", "esszimmer"),
    "guest room": ("im gästezimmer", "des gästezimmers", "gästezimmer"),
    "kids room": ("im kinderzimmer", "des kinderzimmers", "kinderzimmer"),
    "garage": ("in der garage", "der garage", "garagen"),
    "basement": ("im keller", "des kellers", "keller"),
    "attic": ("auf dem dachboden", "des dachbodens", "dachboden"),
    "garden": ("im garten", "des gartens", "garten"),
    "balcony": ("auf dem balkon", "des balkons", "balkon"),
}
DOORS = {"front door": "haustür", "back door": "hintertür", "garage door": "garagentür",
         "patio door": "terrassentür", "cellar door": "kellertür", "garden gate": "gartentür"}
DEVICES = {"coffee machine": "die kaffeemaschine", "fan": "den ventilator", "tv": "den fernseher",
           "heater": "den heizlüfter", "dishwasher": "die spülmaschine",
           "washing machine": "die waschmaschine", "radio": "das radio", "printer": "den drucker",
           "humidifier": "den luftbefeuchter", "air conditioner": "die klimaanlage"}
DEVICES_NOM = {"fan": "der Ventilator", "tv": "der Fernseher", "heater": "der Heizlüfter",
               "printer": "der Drucker", "humidifier": "der Luftbefeuchter",
               "coffee machine": "die Kaffeemaschine", "dishwasher": "die Spülmaschine",
               "washing machine": "die Waschmaschine", "radio": "das Radio",
               "air conditioner": "die Klimaanlage"}
GENRES = {"jazz": "jazz", "rock": "rock", "pop": "pop", "classical": "klassische musik",
          "techno": "techno", "blues": "blues", "folk": "folk", "hip hop": "hip hop"}
CONDITIONS = {"sunny": "sonnig", "cloudy": "bewölkt", "rainy": "regnerisch", "snowy": "verschneit",
              "windy": "windig", "foggy": "neblig", "stormy": "stürmisch", "clear": "klar"}
NUMBERS = {1: "eine", 2: "zwei", 3: "drei", 4: "vier", 5: "fünf", 6: "sechs", 7: "sieben", 8: "acht",
           9: "neun", 10: "zehn", 12: "zwölf", 15: "fünfzehn", 20: "zwanzig", 30: "dreißig",
           40: "vierzig", 45: "fünfundvierzig", 50: "fünfzig", 60: "sechzig", 70: "siebzig",
           80: "achtzig", 90: "neunzig"}
NOUNS = ("küche wohnzimmer schlafzimmer badezimmer büro flur esszimmer gästezimmer kinderzimmer garage "
         "keller dachboden garten balkon haustür hintertür garagentür terrassentür kellertür gartentür "
         "kaffeemaschine ventilator fernseher heizlüfter spülmaschine waschmaschine radio drucker "
         "luftbefeuchter klimaanlage licht lichter lampe lampen helligkeit prozent grad temperatur "
         "heizung thermostat rollladen rollläden jalousien vorhänge timer minuten minute stunde stunden "
         "wetter regenschirm musik jazz rock pop techno blues folk wettervorhersage").split()

PRE = ["", "", "", "", "", "bitte ", "hey, ", "ok, "]
POST = ["", "", "", "", "", "", " bitte", ", bitte", ", danke", " jetzt"]
AND = " und "

SENTENCES = {
    "light_on": [
        "(mach|schalte) [bitte] das licht {in} an", "(mach|schalte) [bitte] die (lampe|lichter) {in} an",
        "(mach|schalte) {in} das licht an", "schalte das licht {in} ein", "schalte {in} das licht ein",
        "(mach|schalte) das {room}licht an", "schalte das {room}licht ein", "licht {in} an",
        "{room}licht an", "licht an {in}", "licht {in} (anschalten|einschalten|anmachen)",
        "kannst du das licht {in} (anschalten|einschalten|anmachen)", "ich brauche licht {in}",
        "ich möchte licht {in}", "{in} ist es [zu] dunkel", "es ist [zu|sehr] dunkel {in}",
        "{in} bitte licht", "mach [es] {in} hell", "ich sehe nichts {in}", "{in} licht an",
        "mach das licht an", "licht an", "schalte [alle] lichter ein",
        "~{in} das licht (anschalten|einschalten|anmachen)", "~kannst du {in} das licht (anschalten|anmachen)",
        "~ich brauche {in} licht", "~mach {in} die lampe an", "~mach es hell {in}",
    ],
    "light_off": [
        "(mach|schalte) [bitte] das licht {in} aus", "(mach|schalte) [bitte] die (lampe|lichter) {in} aus",
        "(mach|schalte) {in} das licht aus", "schalte das licht {in} ab", "schalte {in} das licht ab",
        "(mach|schalte) das {room}licht aus", "schalte das {room}licht ab", "licht {in} aus",
        "{room}licht aus", "licht aus {in}", "licht {in} (ausschalten|abschalten|ausmachen)",
        "kannst du das licht {in} (ausschalten|abschalten|ausmachen)", "ich brauche kein licht {in}",
        "ich möchte kein licht {in}", "{in} ist es [zu] hell", "es ist [zu|sehr] hell {in}",
        "{in} bitte kein licht", "mach [es] {in} dunkel", "{in} licht aus",
        "mach das licht aus", "licht aus", "schalte [alle] lichter aus",
        "~{in} das licht (ausschalten|abschalten|ausmachen)", "~kannst du {in} das licht (ausschalten|ausmachen)",
        "~ich brauche {in} kein licht", "~mach {in} die lampe aus", "~mach es dunkel {in}",
    ],
    "light_dim": [
        "(dimme|stelle|stell|setze) das licht {in} auf {n} prozent", "dimme {in} das licht auf {n} prozent",
        "(dimme|stelle) das {room}licht auf {n} prozent", "licht {in} auf {n} prozent",
        "{room}licht auf {n} prozent", "stelle die helligkeit {in} auf {n} prozent",
        "helligkeit {in} auf {n} prozent", "{n} prozent helligkeit {in}", "{in} licht auf {n} prozent",
        "ich möchte {in} {n} prozent licht", "mach das licht {in} auf {n}%",
        "dimme das licht auf {n} prozent", "ändere die helligkeit {of} auf {n} prozent",
        "~stelle {in} das licht auf {n} prozent", "~{in} die helligkeit auf {n} prozent",
        "~setze die helligkeit {in} auf {n} prozent", "~ich möchte {n} prozent licht {in}",
    ],
    "set_temp": [
        "(stelle|stell|setze) die (temperatur|heizung) {in} auf {n} grad",
        "(stelle|stell) {in} die (temperatur|heizung) auf {n} grad", "temperatur {in} auf {n} grad",
        "heizung {in} auf {n} grad", "{in} {n} grad", "{n} grad {in}", "mach es {in} {n} grad warm",
        "ich möchte {n} grad {in}", "ich hätte gern {n} grad {in}", "heize {in} auf {n} grad",
        "stelle den thermostat {in} auf {n} grad", "{room}heizung auf {n} grad",
        "ändere die temperatur {in} auf {n} grad", "stelle die (temperatur|heizung) auf {n} grad",
        "~ich möchte {in} {n} grad", "~{in} die heizung auf {n} grad", "~setze {in} die temperatur auf {n} grad",
        "~ändere die heizung {in} auf {n} grad",
    ],
    "get_temp": [
        "wie (warm|kalt) ist es {in}", "wie (warm|kalt) ist es gerade {in}", "wie ist die temperatur {in}",
        "wie viel grad sind es {in}", "wie viel grad hat es {in}", "welche temperatur ist {in}",
        "welche temperatur haben wir {in}", "sag mir die temperatur {in}", "ist es {in} (warm|kalt)",
        "ist es (warm|kalt) {in}", "wie hoch ist die temperatur {in}", "sag mir, wie warm es {in} ist",
        "temperatur {in}", "~wie (warm|kalt) ist es {in} gerade", "~wie viel grad haben wir {in}",
        "~wie hoch ist {in} die temperatur", "~sag mir, wie kalt es {in} ist",
    ],
    "cover_open": [
        "(öffne|mach) die (rollläden|jalousien|vorhänge) {in} auf", "öffne die (rollläden|jalousien|vorhänge) {in}",
        "öffne {in} die (rollläden|jalousien|vorhänge)", "fahre die (rollläden|jalousien) {in} hoch",
        "fahre {in} die (rollläden|jalousien) hoch", "(rollläden|jalousien) {in} hoch",
        "(rollläden|jalousien|vorhänge) {in} (öffnen|auf)", "mach {in} die (rollläden|vorhänge) auf",
        "zieh die (rollläden|jalousien) {in} hoch", "kannst du die (rollläden|jalousien) {in} öffnen",
        "öffne [alle] (rollläden|jalousien|vorhänge)",
        "~{in} die (rollläden|jalousien) (hoch|öffnen)", "~kannst du {in} die (jalousien|vorhänge) öffnen",
        "~zieh {in} die (rollläden|jalousien) hoch",
    ],
    "cover_close": [
        "(schließe|mach) die (rollläden|jalousien|vorhänge) {in} zu", "schließe die (rollläden|jalousien|vorhänge) {in}",
        "schließe {in} die (rollläden|jalousien|vorhänge)", "fahre die (rollläden|jalousien) {in} runter",
        "fahre {in} die (rollläden|jalousien) runter", "(rollläden|jalousien) {in} runter",
        "(rollläden|jalousien|vorhänge) {in} (schließen|zu)", "mach {in} die (rollläden|vorhänge) zu",
        "zieh die (rollläden|jalousien) {in} runter", "kannst du die (rollläden|jalousien) {in} schließen",
        "schließe [alle] (rollläden|jalousien|vorhänge)",
        "~{in} die (rollläden|jalousien) (runter|schließen)", "~kannst du {in} die (jalousien|vorhänge) schließen",
        "~zieh {in} die (rollläden|jalousien) runter",
    ],
    "cover_pos": [
        "(fahre|stelle|setze) die (rollläden|jalousien) {in} auf {n} prozent",
        "(fahre|stelle) {in} die (rollläden|jalousien) auf {n} prozent",
        "(rollläden|jalousien|vorhänge) {in} auf {n} prozent", "öffne die (rollläden|jalousien) {in} auf {n} prozent",
        "{in} (rollläden|jalousien) auf {n} prozent", "~{in} die (rollläden|jalousien) auf {n} prozent",
        "~öffne {in} die (rollläden|jalousien) auf {n} prozent",
    ],
    "lock": [
        "schließe die {door} ab", "schließ die {door} ab", "verriegle die {door}", "{door} abschließen",
        "{door} verriegeln", "kannst du die {door} abschließen", "sperre die {door} ab",
        "ich möchte die {door} abschließen", "die {door} soll abgeschlossen sein", "mach die {door} zu und schließ ab",
        "~die {door} abschließen", "~kannst du die {door} verriegeln", "~ich möchte die {door} verriegeln",
    ],
    "unlock": [
        "schließe die {door} auf", "schließ die {door} auf", "entriegle die {door}", "{door} aufschließen",
        "{door} entriegeln", "kannst du die {door} aufschließen", "sperre die {door} auf",
        "ich möchte die {door} aufschließen", "die {door} soll offen sein",
        "~die {door} aufschließen", "~kannst du die {door} entriegeln", "~ich möchte die {door} entriegeln",
    ],
    "timer": [
        "(stelle|stell|starte) einen timer (für|auf) {dur}", "timer (für|auf) {dur}", "timer {dur}", "{dur} timer",
        "erinnere mich in {dur}", "weck mich in {dur}", "ich brauche einen timer für {dur}",
        "sag mir in {dur} bescheid", "einen timer (für|von) {dur}", "kannst du einen timer für {dur} stellen",
        "neuer timer {dur}", "~(stelle|starte) einen timer von {dur}", "~neuer timer für {dur}",
        "~kannst du einen timer auf {dur} stellen",
    ],
    "weather_today": [
        "wie ist das wetter in {city} [heute]", "wie ist [heute] das wetter in {city}", "wie wird das wetter heute in {city}",
        "wetter in {city} [heute]", "wetter {city}", "regnet es [heute] in {city}", "scheint in {city} die sonne",
        "brauche ich [heute] in {city} einen regenschirm", "sag mir das wetter in {city}",
        "wie ist die wettervorhersage für {city}", "~wie wird heute das wetter in {city}", "~wetter heute in {city}",
        "~sag mir das wetter für {city}", "~regnet es in {city} heute",
    ],
    "weather_tomorrow": [
        "wie wird das wetter morgen in {city}", "wie wird morgen das wetter in {city}", "wie ist das wetter morgen in {city}",
        "wetter in {city} morgen", "wetter {city} morgen", "regnet es morgen in {city}", "scheint morgen in {city} die sonne",
        "brauche ich morgen in {city} einen regenschirm", "sag mir das wetter von morgen in {city}",
        "wie ist die wettervorhersage für {city} morgen", "~wie wird das wetter in {city} morgen", "~wetter morgen in {city}",
        "~regnet es in {city} morgen", "~wie ist morgen das wetter in {city}",
    ],
    "music": [
        "spiele [etwas] {genre}", "spiele [etwas] {genre} {in}", "spiel {in} {genre}", "ich möchte {genre} hören",
        "ich möchte {in} {genre} hören", "{genre} {in}", "mach [etwas] {genre} an", "mach {in} {genre} an",
        "starte {genre} {in}", "~spiel [etwas] {genre}", "~ich möchte etwas {genre} hören", "~starte {in} {genre}",
    ],
    "device_on": [
        "(schalte|mach) {device} an", "schalte {device} ein", "{device} (anschalten|einschalten|anmachen)",
        "starte {device}", "kannst du {device} (anschalten|einschalten)", "ich brauche {device}",
        "ich möchte {device} einschalten", "~kannst du {device} anmachen", "~ich möchte {device} anschalten",
    ],
    "device_off": [
        "(schalte|mach) {device} aus", "schalte {device} ab", "{device} (ausschalten|abschalten|ausmachen)",
        "stoppe {device}", "kannst du {device} (ausschalten|abschalten)", "ich brauche {device} nicht [mehr]",
        "ich möchte {device} abschalten", "~kannst du {device} ausmachen", "~ich möchte {device} ausschalten",
    ],
    "hello": ["hallo", "guten morgen", "guten tag", "guten abend", "hi", "~hallo, guten tag"],
    "thanks": ["danke", "vielen dank", "danke schön", "danke sehr", "~ok, danke schön"],
    "bye": ["tschüss", "auf wiedersehen", "bis später", "gute nacht", "~tschüss, bis später"],
    "who": ["wer bist du", "was bist du", "wie heißt du", "~sag mir, wer du bist"],
    "help": ["was kannst du", "hilfe", "wie kannst du mir helfen", "~was kannst du für mich tun"],
    "sorry": [
        "bestell eine pizza", "ruf meine mutter an", "schreib eine e-mail", "was ist die hauptstadt von frankreich",
        "erzähl mir einen witz", "schreib ein gedicht", "kauf mir neue schuhe", "was ist {n} plus {n}", "sing ein lied",
        "lies meine nachrichten", "übersetze diesen text", "füttere die katze", "wasch mein auto", "ruf ein taxi",
        "buche einen flug nach {city}", "wer ist der präsident", "gieß die blumen", "koch das abendessen",
        "finde ein restaurant in {city}", "wie alt bist du", "~bestell ein taxi", "~schreib eine nachricht",
        "~erzähl mir eine geschichte",
    ],
}

ANSWERS = {
    "light_on": "Das Licht {in} ist an.", "light_on_all": "Das Licht ist an.",
    "light_off": "Das Licht {in} ist aus.", "light_off_all": "Das Licht ist aus.",
    "light_dim": "Das Licht {in} ist auf {n} Prozent.", "light_dim_all": "Das Licht ist auf {n} Prozent.",
    "set_temp": "Die Temperatur {in} ist auf {n} Grad gestellt.",
    "set_temp_all": "Die Temperatur ist auf {n} Grad gestellt.",
    "get_temp": "{In} sind es {value} Grad.",
    "cover_open": "Die Rollläden {in} sind offen.", "cover_open_all": "Die Rollläden sind offen.",
    "cover_close": "Die Rollläden {in} sind geschlossen.", "cover_close_all": "Die Rollläden sind geschlossen.",
    "cover_pos": "Die Rollläden {in} sind auf {n} Prozent.",
    "lock": "Die {door} ist abgeschlossen.", "unlock": "Die {door} ist aufgeschlossen.",
    "timer": "Der Timer ist auf {n} Minuten gestellt.", "timer_one": "Der Timer ist auf 1 Minute gestellt.",
    "weather_today": "In {city} ist es {cond} bei {value} Grad.",
    "weather_tomorrow": "Morgen wird es in {city} {cond} bei {value} Grad.",
    "music": "Ich spiele {genre} {in}.", "music_all": "Ich spiele {genre}.",
    "device_on": "{Device} ist an.", "device_off": "{Device} ist aus.",
    "error": "Das hat leider nicht geklappt.",
    "hello": "Hallo! Was kann ich für Sie tun?", "thanks": "Gern geschehen.", "bye": "Auf Wiedersehen!",
    "who": "Ich bin Ihr Hausassistent.", "help": "Ich kann Ihr Zuhause steuern: Sagen Sie mir, was Sie brauchen.",
    "sorry": "Das kann ich leider nicht.",
}
HOUR, HOURS, MINUTE, MINUTES, HALF_HOUR = "stunde", "stunden", "minute", "minuten", "eine halbe stunde"
NAME = "German"
