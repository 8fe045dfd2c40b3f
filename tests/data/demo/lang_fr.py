"""French sentences of the demo model. See lang_en.py for the syntax."""

ROOMS = {  # canonical name -> in, of, room
    "kitchen": ("dans la cuisine", "de la cuisine", "la cuisine"),
    "living room": ("dans le salon", "du salon", "le salon"),
    "bedroom": ("dans la chambre", "de la chambre", "la chambre"),
    "bathroom": ("dans la salle de bain", "de la salle de bain", "la salle de bain"),
    "office": ("dans le bureau", "du bureau", "le bureau"),
    "hallway": ("dans le couloir", "du couloir", "le couloir"),
    "dining room": ("dans la salle à manger", "de la salle à manger", "la salle à manger"),
    "guest room": ("dans la chambre d'amis", "de la chambre d'amis", "la chambre d'amis"),
    "kids room": ("dans la chambre des enfants", "de la chambre des enfants", "la chambre des enfants"),
    "garage": ("dans le garage", "du garage", "le garage"),
    "basement": ("à la cave", "de la cave", "la cave"),
    "attic": ("au grenier", "du grenier", "le grenier"),
    "garden": ("dans le jardin", "du jardin", "le jardin"),
    "balcony": ("sur le balcon", "du balcon", "le balcon"),
}
DOORS = {"front door": "la porte d'entrée", "back door": "la porte arrière", "garage door": "la porte du garage",
         "patio door": "la porte de la terrasse", "cellar door": "la porte de la cave",
         "garden gate": "la porte du jardin"}
DEVICES = {"coffee machine": "la machine à café", "fan": "le ventilateur", "tv": "la télé",
           "heater": "le radiateur", "dishwasher": "le lave-vaisselle", "washing machine": "le lave-linge",
           "radio": "la radio", "printer": "l'imprimante", "humidifier": "l'humidificateur",
           "air conditioner": "la climatisation"}
GENRES = {"jazz": "jazz", "rock": "rock", "pop": "pop", "classical": "musique classique",
          "techno": "techno", "blues": "blues", "folk": "folk", "hip hop": "hip hop"}
CONDITIONS = {"sunny": "ensoleillé", "cloudy": "nuageux", "rainy": "pluvieux", "snowy": "neigeux",
              "windy": "venteux", "foggy": "brumeux", "stormy": "orageux", "clear": "clair"}
NUMBERS = {1: "une", 2: "deux", 3: "trois", 4: "quatre", 5: "cinq", 6: "six", 7: "sept", 8: "huit",
           9: "neuf", 10: "dix", 12: "douze", 15: "quinze", 20: "vingt", 25: "vingt-cinq", 30: "trente",
           40: "quarante", 45: "quarante-cinq", 50: "cinquante", 60: "soixante", 90: "quatre-vingt-dix"}

PRE = ["", "", "", "", "", "s'il te plaît, ", "hé, ", "ok, "]
POST = ["", "", "", "", "", "", " s'il te plaît", ", merci", " maintenant"]
AND = " et "

SENTENCES = {
    "light_on": [
        "(allume|allumez) la lumière {in}", "(allume|allumez) les lumières {in}", "allume la lampe {in}",
        "(allume|allumez) (la lumière|les lumières|la lampe) {of}", "allume {room}", "(lumière|lumières) {in}",
        "mets la lumière {in}", "mets la lumière {of}", "peux-tu allumer la lumière {in}",
        "peux-tu allumer les lumières {of}", "je veux de la lumière {in}", "j'ai besoin de lumière {in}",
        "il fait [trop|très] sombre {in}", "il fait [trop] noir {in}", "éclaire {room}", "allumer la lumière {in}",
        "je ne vois rien {in}", "active la lumière {of}", "allume la lumière", "allume [toutes] les lumières",
        "~{in}, allume la lumière", "~peux-tu allumer la lampe {in}", "~mets les lumières {in}",
        "~active les lumières {in}", "~allumer les lumières {of}",
    ],
    "light_off": [
        "(éteins|éteignez) la lumière {in}", "(éteins|éteignez) les lumières {in}", "éteins la lampe {in}",
        "(éteins|éteignez) (la lumière|les lumières|la lampe) {of}", "éteins {room}",
        "coupe la lumière {in}", "coupe la lumière {of}", "peux-tu éteindre la lumière {in}",
        "peux-tu éteindre les lumières {of}", "je ne veux plus de lumière {in}", "je n'ai pas besoin de lumière {in}",
        "il fait [trop|très] clair {in}", "éteindre la lumière {in}", "désactive la lumière {of}",
        "éteins la lumière", "éteins [toutes] les lumières",
        "~{in}, éteins la lumière", "~peux-tu éteindre la lampe {in}", "~coupe les lumières {in}",
        "~désactive les lumières {in}", "~éteindre les lumières {of}",
    ],
    "light_dim": [
        "(règle|mets|baisse) la lumière {in} à {n} pour cent", "(règle|mets) la lumière {of} à {n} pour cent",
        "lumière {in} à {n} pour cent", "lumière {of} à {n} pour cent", "règle la luminosité {in} à {n} pour cent",
        "mets la luminosité {of} à {n}%", "luminosité {in} à {n} pour cent", "{n} pour cent de lumière {in}",
        "peux-tu régler la lumière {in} à {n} pour cent", "change la luminosité {of} à {n} pour cent",
        "mets la lumière à {n} pour cent",
        "~luminosité {of} à {n} pour cent", "~peux-tu régler la luminosité {of} à {n} pour cent",
        "~baisse la lumière {of} à {n} pour cent",
    ],
    "set_temp": [
        "(règle|mets) la température {in} à {n} degrés", "(règle|mets) (le chauffage|la température) {of} à {n} degrés",
        "(règle|mets) le chauffage {in} (à|sur) {n} degrés", "température {in} à {n} degrés", "chauffage {of} à {n} degrés",
        "je veux {n} degrés {in}", "je voudrais {n} degrés {in}", "{n} degrés {in}", "chauffe {room} à {n} degrés",
        "règle le thermostat {of} à {n} degrés", "peux-tu mettre {n} degrés {in}", "mets {n} degrés {in}",
        "règle la température à {n} degrés", "~{in}, je veux {n} degrés", "~température {of} à {n} degrés",
        "~règle le thermostat {in} à {n} degrés", "~peux-tu régler la température {in} à {n} degrés",
    ],
    "get_temp": [
        "quelle est la température {in}", "quelle est la température {of}", "quelle température fait-il {in}",
        "combien de degrés fait-il {in}", "combien de degrés il y a {in}", "il fait combien {in}",
        "est-ce qu'il fait (chaud|froid) {in}", "fait-il (chaud|froid) {in}", "donne-moi la température {in}",
        "dis-moi la température {of}", "température {in}", "il fait (chaud|froid) {in}",
        "~dis-moi la température {in}", "~donne-moi la température {of}", "~dis-moi combien de degrés il fait {in}",
    ],
    "cover_open": [
        "(ouvre|ouvrez) les (volets|stores|rideaux) {in}", "(ouvre|ouvrez) les (volets|stores|rideaux) {of}",
        "monte les (volets|stores) {in}", "monte les (volets|stores) {of}", "peux-tu ouvrir les (volets|rideaux) {in}",
        "ouvrir les (volets|stores|rideaux) {of}", "je veux les (volets|stores) {of} ouverts", "lève les (volets|stores) {in}",
        "ouvre [tous] les (volets|stores|rideaux)",
        "~peux-tu ouvrir les (stores|volets) {of}", "~lève les (volets|stores) {of}", "~ouvrir les volets {in}",
    ],
    "cover_close": [
        "(ferme|fermez) les (volets|stores|rideaux) {in}", "(ferme|fermez) les (volets|stores|rideaux) {of}",
        "descends les (volets|stores) {in}", "descends les (volets|stores) {of}", "peux-tu fermer les (volets|rideaux) {in}",
        "fermer les (volets|stores|rideaux) {of}", "je veux les (volets|stores) {of} fermés", "baisse les (volets|stores) {in}",
        "ferme [tous] les (volets|stores|rideaux)",
        "~peux-tu fermer les (stores|volets) {of}", "~baisse les (volets|stores) {of}", "~fermer les volets {in}",
    ],
    "cover_pos": [
        "(ouvre|mets|règle) les (volets|stores) {in} à {n} pour cent", "(ouvre|mets) les (volets|stores) {of} à {n} pour cent",
        "(volets|stores) {of} à {n} pour cent", "je veux les volets {in} à {n} pour cent",
        "~(volets|stores) {in} à {n} pour cent", "~règle les (volets|stores) {of} à {n} pour cent",
    ],
    "lock": [
        "verrouille {door}", "verrouillez {door}", "ferme {door} à clé", "peux-tu verrouiller {door}", "verrouiller {door}",
        "je veux verrouiller {door}", "{door} doit être verrouillée", "bloque {door}",
        "~peux-tu fermer {door} à clé", "~je veux {door} verrouillée",
    ],
    "unlock": [
        "déverrouille {door}", "déverrouillez {door}", "peux-tu déverrouiller {door}", "déverrouiller {door}",
        "je veux déverrouiller {door}", "{door} doit être déverrouillée", "débloque {door}",
        "~je veux {door} déverrouillée", "~peux-tu débloquer {door}",
    ],
    "timer": [
        "(mets|lance|démarre) un minuteur de {dur}", "minuteur de {dur}", "minuteur {dur}", "rappelle-moi dans {dur}",
        "réveille-moi dans {dur}", "un minuteur pour {dur}", "j'ai besoin d'un minuteur de {dur}", "préviens-moi dans {dur}",
        "peux-tu mettre un minuteur de {dur}", "nouveau minuteur de {dur}", "programme un minuteur pour {dur}",
        "~lance un minuteur pour {dur}", "~programme un minuteur de {dur}", "~peux-tu lancer un minuteur de {dur}",
    ],
    "weather_today": [
        "quel temps fait-il à {city} [aujourd'hui]", "quel temps fait-il [aujourd'hui] à {city}", "météo à {city} [aujourd'hui]",
        "météo {city}", "est-ce qu'il pleut à {city}", "quelle est la météo à {city}", "donne-moi la météo à {city}",
        "dis-moi le temps à {city}", "il fait beau à {city}", "ai-je besoin d'un parapluie à {city} [aujourd'hui]",
        "~dis-moi la météo à {city}", "~météo aujourd'hui à {city}", "~quelle est la météo aujourd'hui à {city}",
    ],
    "weather_tomorrow": [
        "quel temps fera-t-il à {city} demain", "quel temps fera-t-il demain à {city}", "météo à {city} demain",
        "météo {city} demain", "est-ce qu'il pleut à {city} demain", "quelle est la météo à {city} demain",
        "donne-moi la météo de demain à {city}", "dis-moi le temps à {city} demain",
        "ai-je besoin d'un parapluie à {city} demain", "~dis-moi la météo à {city} demain", "~météo demain à {city}",
        "~quelle est la météo demain à {city}",
    ],
    "music": [
        "(joue|mets) du {genre}", "(joue|mets) du {genre} {in}", "je veux écouter du {genre}", "je veux écouter du {genre} {in}",
        "lance du {genre} {in}", "{genre} {in}", "peux-tu jouer du {genre}", "~peux-tu mettre du {genre} {in}",
        "~lance du {genre}", "~je voudrais écouter du {genre}",
    ],
    "device_on": [
        "(allume|allumez) {device}", "active {device}", "mets {device} en marche", "démarre {device}", "peux-tu allumer {device}",
        "j'ai besoin de {device}", "allumer {device}", "je veux allumer {device}", "~peux-tu activer {device}",
        "~je veux {device} en marche",
    ],
    "device_off": [
        "(éteins|éteignez) {device}", "désactive {device}", "arrête {device}", "coupe {device}", "peux-tu éteindre {device}",
        "éteindre {device}", "je veux éteindre {device}", "~peux-tu couper {device}", "~peux-tu désactiver {device}",
    ],
    "hello": ["bonjour", "salut", "bonsoir", "coucou", "~bonjour, salut"],
    "thanks": ["merci", "merci beaucoup", "merci bien", "~ok, merci beaucoup"],
    "bye": ["au revoir", "à bientôt", "bonne nuit", "à plus tard", "~au revoir, à bientôt"],
    "who": ["qui es-tu", "comment tu t'appelles", "tu es qui", "~dis-moi qui tu es"],
    "help": ["que peux-tu faire", "aide", "comment peux-tu m'aider", "~que peux-tu faire pour moi"],
    "sorry": [
        "commande une pizza", "appelle ma mère", "envoie un e-mail", "quelle est la capitale de la france",
        "raconte-moi une blague", "écris un poème", "achète des chaussures", "combien font {n} plus {n}",
        "chante une chanson", "lis mes messages", "traduis ce texte", "nourris le chat", "lave ma voiture",
        "appelle un taxi", "réserve un vol pour {city}", "qui est le président", "arrose les plantes",
        "prépare le dîner", "trouve un restaurant à {city}", "quel âge as-tu", "~commande un taxi", "~écris un message",
        "~raconte-moi une histoire",
    ],
}

ANSWERS = {
    "light_on": "La lumière {of} est allumée.", "light_on_all": "La lumière est allumée.",
    "light_off": "La lumière {of} est éteinte.", "light_off_all": "La lumière est éteinte.",
    "light_dim": "La lumière {of} est à {n} pour cent.", "light_dim_all": "La lumière est à {n} pour cent.",
    "set_temp": "La température {of} est réglée à {n} degrés.",
    "set_temp_all": "La température est réglée à {n} degrés.",
    "get_temp": "Il fait {value} degrés {in}.",
    "cover_open": "Les volets {of} sont ouverts.", "cover_open_all": "Les volets sont ouverts.",
    "cover_close": "Les volets {of} sont fermés.", "cover_close_all": "Les volets sont fermés.",
    "cover_pos": "Les volets {of} sont à {n} pour cent.",
    "lock": "{Door} est verrouillée.", "unlock": "{Door} est déverrouillée.",
    "timer": "Le minuteur est réglé sur {n} minutes.", "timer_one": "Le minuteur est réglé sur 1 minute.",
    "weather_today": "À {city}, le temps est {cond} avec {value} degrés.",
    "weather_tomorrow": "Demain à {city}, le temps sera {cond} avec {value} degrés.",
    "music": "Je joue du {genre} {in}.", "music_all": "Je joue du {genre}.",
    "device_on": "C'est fait : {device} est en marche.", "device_off": "C'est fait : {device} est à l'arrêt.",
    "error": "Désolé, cela n'a pas marché.",
    "hello": "Bonjour ! Que puis-je faire pour vous ?", "thanks": "Je vous en prie.", "bye": "Au revoir !",
    "who": "Je suis votre assistant domestique.",
    "help": "Je peux piloter votre maison : dites-moi ce qu'il vous faut.",
    "sorry": "Désolé, je ne peux pas faire cela.",
}
HOUR, HOURS, MINUTE, MINUTES, HALF_HOUR = "heure", "heures", "minute", "minutes", "une demi-heure"
NAME = "French"
