"""Spanish sentences of the demo model. See lang_en.py for the syntax."""

ROOMS = {  # canonical name -> in, of, room
    "kitchen": ("en la cocina", "de la cocina", "la cocina"),
    "living room": ("en el salón", "del salón", "el salón"),
    "bedroom": ("en el dormitorio", "del dormitorio", "el dormitorio"),
    "bathroom": ("en el baño", "del baño", "el baño"),
    "office": ("en la oficina", "de la oficina", "la oficina"),
    "hallway": ("en el pasillo", "del pasillo", "el pasillo"),
    "dining room": ("en el comedor", "del comedor", "el comedor"),
    "guest room": ("en la habitación de invitados", "de la habitación de invitados", "la habitación de invitados"),
    "kids room": ("en el cuarto de los niños", "del cuarto de los niños", "el cuarto de los niños"),
    "garage": ("en el garaje", "del garaje", "el garaje"),
    "basement": ("en el sótano", "del sótano", "el sótano"),
    "attic": ("en el ático", "del ático", "el ático"),
    "garden": ("en el jardín", "del jardín", "el jardín"),
    "balcony": ("en el balcón", "del balcón", "el balcón"),
}
DOORS = {"front door": "la puerta principal", "back door": "la puerta trasera", "garage door": "la puerta del garaje",
         "patio door": "la puerta de la terraza", "cellar door": "la puerta del sótano",
         "garden gate": "la puerta del jardín"}
DEVICES = {"coffee machine": "la cafetera", "fan": "el ventilador", "tv": "la tele", "heater": "el calefactor",
           "dishwasher": "el lavavajillas", "washing machine": "la lavadora", "radio": "la radio",
           "printer": "la impresora", "humidifier": "el humidificador", "air conditioner": "el aire acondicionado"}
GENRES = {"jazz": "jazz", "rock": "rock", "pop": "pop", "classical": "música clásica",
          "techno": "techno", "blues": "blues", "folk": "folk", "hip hop": "hip hop"}
CONDITIONS = {"sunny": "soleado", "cloudy": "nublado", "rainy": "lluvioso", "snowy": "nevado",
              "windy": "ventoso", "foggy": "brumoso", "stormy": "tormentoso", "clear": "despejado"}
NUMBERS = {1: "una", 2: "dos", 3: "tres", 4: "cuatro", 5: "cinco", 6: "seis", 7: "siete", 8: "ocho",
           9: "nueve", 10: "diez", 12: "doce", 15: "quince", 20: "veinte", 25: "veinticinco", 30: "treinta",
           40: "cuarenta", 45: "cuarenta y cinco", 50: "cincuenta", 60: "sesenta", 70: "setenta",
           80: "ochenta", 90: "noventa"}

PRE = ["", "", "", "", "", "por favor, ", "oye, ", "vale, "]
POST = ["", "", "", "", "", "", " por favor", ", por favor", ", gracias", " ahora"]
AND = " y "

SENTENCES = {
    "light_on": [
        "(enciende|prende) la luz {in}", "(enciende|prende) las luces {in}", "enciende la lámpara {in}",
        "(enciende|prende) (la luz|las luces|la lámpara) {of}", "ilumina {room}", "(luz|luces) {in}",
        "pon la luz {in}", "pon la luz {of}", "puedes encender la luz {in}", "puedes encender las luces {of}",
        "quiero luz {in}", "necesito luz {in}", "está [muy|demasiado] oscuro {in}", "encender la luz {in}",
        "no veo nada {in}", "activa la luz {of}", "quiero la luz {of} encendida", "enciende la luz", "enciende [todas] las luces",
        "~{in} enciende la luz", "~puedes encender la lámpara {in}", "~pon las luces {in}", "~activa las luces {in}",
        "~encender las luces {of}",
    ],
    "light_off": [
        "apaga la luz {in}", "apaga las luces {in}", "apaga la lámpara {in}", "apaga (la luz|las luces|la lámpara) {of}",
        "corta la luz {in}", "quita la luz {of}", "quita la luz {in}", "puedes apagar la luz {in}", "puedes apagar las luces {of}",
        "no quiero luz {in}", "no necesito luz {in}", "hay [mucha|demasiada] luz {in}", "apagar la luz {in}",
        "desactiva la luz {of}", "quiero la luz {of} apagada", "apaga la luz", "apaga [todas] las luces",
        "~{in} apaga la luz", "~puedes apagar la lámpara {in}", "~quita las luces {in}", "~desactiva las luces {in}",
        "~apagar las luces {of}",
    ],
    "light_dim": [
        "(ajusta|pon|baja) la luz {in} al {n} por ciento", "(ajusta|pon) la luz {of} al {n} por ciento",
        "luz {in} al {n} por ciento", "luz {of} al {n} por ciento", "ajusta el brillo {in} al {n} por ciento",
        "pon el brillo {of} al {n}%", "brillo {in} al {n} por ciento", "{n} por ciento de luz {in}",
        "puedes ajustar la luz {in} al {n} por ciento", "cambia el brillo {of} al {n} por ciento", "pon la luz al {n} por ciento",
        "~brillo {of} al {n} por ciento", "~puedes ajustar el brillo {of} al {n} por ciento", "~baja la luz {of} al {n} por ciento",
    ],
    "set_temp": [
        "(ajusta|pon) la temperatura {in} a {n} grados", "(ajusta|pon) la (temperatura|calefacción) {of} a {n} grados",
        "(ajusta|pon) la calefacción {in} a {n} grados", "temperatura {in} a {n} grados", "calefacción {of} a {n} grados",
        "quiero {n} grados {in}", "quisiera {n} grados {in}", "{n} grados {in}", "calienta {room} a {n} grados",
        "ajusta el termostato {of} a {n} grados", "puedes poner {n} grados {in}", "pon {n} grados {in}",
        "ajusta la temperatura a {n} grados", "~{in} quiero {n} grados", "~temperatura {of} a {n} grados",
        "~ajusta el termostato {in} a {n} grados", "~puedes ajustar la temperatura {in} a {n} grados",
    ],
    "get_temp": [
        "cuál es la temperatura {in}", "cuál es la temperatura {of}", "qué temperatura hace {in}", "qué temperatura hay {in}",
        "cuántos grados hace {in}", "cuántos grados hay {in}", "hace (calor|frío) {in}", "dime la temperatura {in}",
        "dime la temperatura {of}", "temperatura {in}", "dame la temperatura {in}", "~dame la temperatura {of}",
        "~dime cuántos grados hay {in}", "~dime qué temperatura hace {in}",
    ],
    "cover_open": [
        "(abre|sube) las (persianas|cortinas) {in}", "(abre|sube) las (persianas|cortinas) {of}", "levanta las persianas {in}",
        "puedes abrir las (persianas|cortinas) {in}", "abrir las (persianas|cortinas) {of}", "persianas {in} arriba",
        "quiero las persianas {of} abiertas", "subir las persianas {in}", "abre [todas] las (persianas|cortinas)",
        "~puedes abrir las (persianas|cortinas) {of}", "~levanta las persianas {of}", "~subir las persianas {of}",
    ],
    "cover_close": [
        "(cierra|baja) las (persianas|cortinas) {in}", "(cierra|baja) las (persianas|cortinas) {of}",
        "puedes cerrar las (persianas|cortinas) {in}", "cerrar las (persianas|cortinas) {of}", "persianas {in} abajo",
        "quiero las persianas {of} cerradas", "bajar las persianas {in}", "cierra [todas] las (persianas|cortinas)",
        "~puedes cerrar las (persianas|cortinas) {of}", "~cerrar las persianas {in}", "~bajar las persianas {of}",
    ],
    "cover_pos": [
        "(abre|pon|ajusta) las (persianas|cortinas) {in} al {n} por ciento", "(abre|pon) las persianas {of} al {n} por ciento",
        "(persianas|cortinas) {of} al {n} por ciento", "quiero las persianas {in} al {n} por ciento",
        "~persianas {in} al {n} por ciento", "~ajusta las (persianas|cortinas) {of} al {n} por ciento",
    ],
    "lock": [
        "bloquea {door}", "cierra {door} con llave", "puedes bloquear {door}", "bloquear {door}", "quiero bloquear {door}",
        "echa la llave a {door}", "asegura {door}", "quiero {door} bloqueada", "~puedes cerrar {door} con llave",
        "~puedes asegurar {door}",
    ],
    "unlock": [
        "desbloquea {door}", "abre {door} con llave", "puedes desbloquear {door}", "desbloquear {door}",
        "quiero desbloquear {door}", "quita la llave a {door}", "quiero {door} desbloqueada", "~puedes abrir {door} con llave",
        "~{door} desbloqueada",
    ],
    "timer": [
        "(pon|inicia|crea) un temporizador de {dur}", "temporizador de {dur}", "temporizador {dur}", "avísame en {dur}",
        "despiértame en {dur}", "un temporizador para {dur}", "necesito un temporizador de {dur}", "recuérdame en {dur}",
        "puedes poner un temporizador de {dur}", "nuevo temporizador de {dur}", "programa un temporizador para {dur}",
        "~inicia un temporizador para {dur}", "~programa un temporizador de {dur}", "~puedes crear un temporizador de {dur}",
    ],
    "weather_today": [
        "qué tiempo hace en {city} [hoy]", "qué tiempo hace [hoy] en {city}", "tiempo en {city} [hoy]", "tiempo {city}",
        "llueve [hoy] en {city}", "cómo está el tiempo en {city}", "dame el tiempo en {city}", "dime el tiempo en {city}",
        "hace sol en {city}", "necesito paraguas en {city} [hoy]", "~dime el tiempo de hoy en {city}", "~tiempo hoy en {city}",
        "~cómo está el tiempo hoy en {city}",
    ],
    "weather_tomorrow": [
        "qué tiempo hará en {city} mañana", "qué tiempo hará mañana en {city}", "tiempo en {city} mañana", "tiempo {city} mañana",
        "llueve mañana en {city}", "cómo estará el tiempo en {city} mañana", "dame el tiempo de mañana en {city}",
        "dime el tiempo en {city} mañana", "necesito paraguas en {city} mañana", "~dime el tiempo de mañana en {city}",
        "~tiempo mañana en {city}", "~cómo estará el tiempo mañana en {city}",
    ],
    "music": [
        "(toca|pon|reproduce) {genre}", "(toca|pon|reproduce) {genre} {in}", "quiero escuchar {genre}", "quiero escuchar {genre} {in}",
        "{genre} {in}", "puedes poner {genre}", "pon algo de {genre} {in}", "~puedes poner {genre} {in}",
        "~quiero escuchar algo de {genre}", "~toca algo de {genre}",
    ],
    "device_on": [
        "(enciende|prende) {device}", "activa {device}", "pon en marcha {device}", "puedes encender {device}", "necesito {device}",
        "encender {device}", "quiero encender {device}", "inicia {device}", "~puedes activar {device}", "~quiero {device} en marcha",
    ],
    "device_off": [
        "apaga {device}", "desactiva {device}", "para {device}", "puedes apagar {device}", "apagar {device}",
        "quiero apagar {device}", "no necesito {device}", "~puedes desactivar {device}", "~ya no necesito {device}",
    ],
    "hello": ["hola", "buenos días", "buenas tardes", "buenas noches", "~hola, buenos días"],
    "thanks": ["gracias", "muchas gracias", "mil gracias", "~vale, muchas gracias"],
    "bye": ["adiós", "hasta luego", "hasta pronto", "hasta mañana", "~adiós, hasta luego"],
    "who": ["quién eres", "qué eres", "cómo te llamas", "~dime quién eres"],
    "help": ["qué puedes hacer", "ayuda", "cómo puedes ayudarme", "~qué puedes hacer por mí"],
    "sorry": [
        "pide una pizza", "llama a mi madre", "envía un correo", "cuál es la capital de francia", "cuéntame un chiste",
        "escribe un poema", "compra zapatos nuevos", "cuánto es {n} más {n}", "canta una canción", "lee mis mensajes",
        "traduce este texto", "da de comer al gato", "lava mi coche", "llama un taxi", "reserva un vuelo a {city}",
        "quién es el presidente", "riega las plantas", "prepara la cena", "busca un restaurante en {city}",
        "cuántos años tienes", "~pide un taxi", "~escribe un mensaje", "~cuéntame una historia",
    ],
}

ANSWERS = {
    "light_on": "La luz {of} está encendida.", "light_on_all": "La luz está encendida.",
    "light_off": "La luz {of} está apagada.", "light_off_all": "La luz está apagada.",
    "light_dim": "La luz {of} está al {n} por ciento.", "light_dim_all": "La luz está al {n} por ciento.",
    "set_temp": "La temperatura {of} está ajustada a {n} grados.",
    "set_temp_all": "La temperatura está ajustada a {n} grados.",
    "get_temp": "Hay {value} grados {in}.",
    "cover_open": "Las persianas {of} están abiertas.", "cover_open_all": "Las persianas están abiertas.",
    "cover_close": "Las persianas {of} están cerradas.", "cover_close_all": "Las persianas están cerradas.",
    "cover_pos": "Las persianas {of} están al {n} por ciento.",
    "lock": "{Door} está bloqueada.", "unlock": "{Door} está desbloqueada.",
    "timer": "El temporizador está puesto a {n} minutos.", "timer_one": "El temporizador está puesto a 1 minuto.",
    "weather_today": "En {city} el tiempo está {cond} con {value} grados.",
    "weather_tomorrow": "Mañana en {city} el tiempo estará {cond} con {value} grados.",
    "music": "Suena {genre} {in}.", "music_all": "Suena {genre}.",
    "device_on": "Listo: {device} en marcha.", "device_off": "Listo: {device} en reposo.",
    "error": "Lo siento, no ha funcionado.",
    "hello": "¡Hola! ¿Qué puedo hacer por usted?", "thanks": "De nada.", "bye": "¡Adiós!",
    "who": "Soy su asistente del hogar.", "help": "Puedo controlar su casa: dígame qué necesita.",
    "sorry": "Lo siento, no puedo hacer eso.",
}
HOUR, HOURS, MINUTE, MINUTES, HALF_HOUR = "hora", "horas", "minuto", "minutos", "media hora"
NAME = "Spanish"
