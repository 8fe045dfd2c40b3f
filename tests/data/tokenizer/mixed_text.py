"""Seeded text of every kind that a tokenizer meets: the material of the vocabulary and of the goldens.

Sentences, code and symbols below were written for this project. `strings(seed, n)` mixes them with
random case, blanks, numbers, marks, code points and debris of control tokens. The same seed gives
the same strings on every Python >= 3.9.
"""
import random

SENTENCES = {
    "en": [
        "Turn off the kitchen light and set the bedroom to twenty degrees.",
        "The quick brown fox didn't jump; it'll wait until it's dark, won't it?",
        "I've already told you THEY'RE not coming before 10:30 a.m. on 3/14/2025!",
        "A recurrent state has a fixed size, so long conversations cost no more than short ones.",
        "Please find attached the report (version 2.1), which Dr. O'Neill signed yesterday.",
        "McDonald's iPhone app cost $4.99 - or 20% less with the eBay coupon; see https://example.org/a_b?c=d#e.",
        "WHY WOULD ANYONE WRITE LIKE THIS?? Because CapsLock was on, obviously...",
    ],
    "de": [
        "Schalte bitte das Licht im Wohnzimmer aus und stelle die Heizung auf einundzwanzig Grad.",
        "Übermäßige Größe führt zu Ärger; die Straßenbahn fährt um 7:05 Uhr ab.",
        "Donaudampfschifffahrtsgesellschaftskapitäne grüßen den Bürgermeister von Weißenfels.",
        "»Das ist ja nicht zu fassen«, sagte er – und ging, ohne sich umzudrehen.",
        "GROẞE BUCHSTABEN HABEN AUCH EIN SCHARFES S.",
    ],
    "es": [
        "¿Puedes apagar la luz de la cocina, por favor? ¡Gracias, señor Núñez!",
        "El pingüino comió un jamón exquisito mientras la cigüeña volaba sobre Logroño.",
        "Mañana por la mañana saldremos a las 8 y llegaremos a Córdoba al mediodía.",
        "Los años pasan, pero la canción sigue sonando en aquella habitación vacía.",
    ],
    "fr": [
        "Éteins la lumière de la cuisine, s'il te plaît, et règle le chauffage sur 19 °C.",
        "L'été dernier, nous n'avons qu'à peine aperçu l'île d'Oléron depuis la côte.",
        "« Où est passé mon cœur ? » demanda la sœur aînée du garçon, déçue.",
        "Aujourd'hui, c'est l'anniversaire de Noël ; les gâteaux sont prêts dès midi.",
    ],
    "it": [
        "Spegni la luce in cucina e metti il riscaldamento a ventun gradi, per favore.",
        "Perché l'università è così lontana? Cioè, più di un'ora d'autobus!",
        "La città dorme; nell'oscurità qualcuno suona un vecchio pianoforte scordato.",
        "Gli gnomi mangiano gnocchi: quest'è la verità, né più né meno.",
    ],
    "pt": [
        "Apague a luz da cozinha, por favor; amanhã não estarei em casa às três.",
        "A avó do João contou histórias de corações partidos e pães quentes.",
    ],
    "nl": [
        "Doe het licht in de keuken uit en zet de verwarming op negentien graden, alsjeblieft.",
        "'s Ochtends zie je vóór het huis vaak een egel; zoëven waren het er twee.",
    ],
    "pl": ["Zażółć gęślą jaźń, a potem wyłącz światło w kuchni o godzinie 22:15."],
    "tr": ["İstanbul'da ılık bir akşam; IŞIĞI kapatır mısın lütfen? Çok teşekkürler."],
    "vi": ["Tắt đèn trong bếp giúp tôi nhé, ngày mai trời sẽ rất đẹp ở Đà Nẵng."],
    "ru": [
        "Выключи, пожалуйста, свет на кухне и поставь температуру двадцать два градуса.",
        "Съешь же ещё этих мягких французских булок, да выпей чаю в 17:45.",
    ],
    "uk": ["Вимкни світло на кухні, будь ласка, та зачини під'їзд; її ґанок мокрий."],
    "el": ["Σβήσε το φως στην κουζίνα, παρακαλώ. Ο Οδυσσέας έφτασε στην Ιθάκη."],
    "ja": [
        "台所の電気を消して、寝室の温度を二十一度にしてください。",
        "吾輩は猫ではない。名前は「タマ」で、東京都渋谷区に住んでいます。",
        "コンピューターのプログラムは、ﾊﾝｶｸとゼンカクを区別する。",
        "明日は晴れるでしょうか？はい、きっと晴れますよ！１２３円です。",
    ],
    "zh": [
        "请把厨房的灯关掉,然后把卧室的温度调到二十一度。",
        "我們明天早上八點在車站見面,不要遲到!",
        "人工智能模型在本地设备上运行,数据不会离开家。",
    ],
    "ko": [
        "부엌 불을 꺼 주시고 침실 온도를 이십일 도로 맞춰 주세요.",
        "내일은 비가 올까요? 아니요, 맑을 거예요! ㅋㅋㅋ",
    ],
    "ar": [
        "من فضلك أطفئ ضوء المطبخ واضبط درجة الحرارة على ٢١ درجة.",
        "السَّلَامُ عَلَيْكُمْ، كَيْفَ حَالُكَ؟ هذا نصٌّ مُشَكَّل.",
    ],
    "fa": ["لطفاً چراغ آشپزخانه را خاموش کن؛ فردا هوا ۲۵ درجه می‌شود."],
    "hi": [
        "कृपया रसोई की बत्ती बंद कर दो और कमरे का तापमान इक्कीस डिग्री रखो।",
        "क्या तुम्हें हिन्दी में पढ़ना अच्छा लगता है? हाँ, बहुत! १२३",
    ],
    "bn": ["রান্নাঘরের বাতি নিভিয়ে দাও, অনুগ্রহ করে।"],
    "ta": ["சமையலறை விளக்கை அணைத்து விடுங்கள், நன்றி."],
    "he": [
        "בבקשה כבה את האור במטבח והגדר את הטמפרטורה לעשרים ואחת מעלות.",
        "שָׁלוֹם עֲלֵיכֶם, מַה שְּׁלוֹמְךָ הַיּוֹם?",
    ],
    "th": [
        "กรุณาปิดไฟในครัวและตั้งอุณหภูมิห้องนอนเป็นยี่สิบเอ็ดองศา",
        "พรุ่งนี้ฝนจะตกไหม น้ำใจของผู้คนที่นี่ดีมาก ๑๒๓",
    ],
    "km": ["សូមបិទភ្លើងនៅក្នុងផ្ទះបាយ អរគុណច្រើន"],
    "ka": ["გთხოვთ, გამორთოთ სინათლე სამზარეულოში."],
    "hy": ["Խնդրում եմ անջատեք խոհանոցի լույսը։"],
    "am": ["እባክህ የኩሽናውን መብራት አጥፋ።"],
}

CODE = [
    "def fib(n: int) -> int:\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
    "for (int i = 0; i < n_layers; ++i) {\n\tx[i] += y[i] * 0.5f;  // residual\n}\n\n// done\n",
    "}\n\n//////////////////////////////////////////////////\n/* block\n * comment */\r\n",
    "SELECT name, COUNT(*) AS n FROM users WHERE age >= 18 AND city != 'Köln' GROUP BY name;\n",
    "<div class=\"a b\"><p>Hello &amp; bye</p></div>\n<!-- note -->\n",
    "{\"name\": \"set_light\", \"arguments\": {\"room\": \"kitchen\", \"on\": false, \"level\": 12.75e-3}}",
    "#include <vector>\nstd::vector<std::string_view> parseHTMLDocument(const char* URLString);\n",
    "$ git commit -m 'fix: don\\'t crash' && ./run.sh --threads=8 | tee log.txt 2>&1\n",
    "if x_1 == None and not is_OK:\n        raise ValueError(f\"bad {x_1!r}\")\n\n\n",
    "# Title\n\n* item **bold**\n* `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "https://user:pass@example.com:8080/path/to/file.tar.gz?x=1&y=%20#frag //\n/etc/passwd\r\n/usr",
    "fn main() -> Result<(), Box<dyn Error>> { println!(\"{:>8.3}\", 3.14159); Ok(()) }\n",
    "\\begin{equation}\n  h_t = \\exp(\\Delta A)\\,h_{t-1} + \\Delta B x_t\n\\end{equation}\n",
]

EMOJI = ["😀", "🚀", "😶‍🌫️", "👩‍👩‍👧‍👦", "🇩🇪", "🏳️‍🌈", "👍🏽", "✅", "❤️", "1️⃣", "🦙🦙", "©", "™", "½", "²", "Ⅷ", "㊗️", "٣"]
BLANKS = [" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\n\n", "\n \n", " \n", "\t\t", "\u00a0", "\u3000", "\u2028", "\u0085", "\v", "\f", "\u200b", "\u2009 ", "\u1680", "        "]
MARKS = ["\u0301", "\u0308", "\u20dd", "\u0e49", "\u093e", "\u064b", "\ufe0f", "\u0591", "\u0327\u0302", "\u1ab0", "\u3099"]
CASED = ["ǅ", "ǲ", "ʰ", "ˮ", "ª", "ß", "ẞ", "ﬁ", "Ⅳ", "ⓐ", "Ａ", "ａ", "𝔄", "𝓫", "Ꮳ", "ꭰ", "ა", "Ა", "一", "あ", "ー", "々"]
SYMBOLS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + ["…", "—", "„", "¿", "€", "→", "//", "/\n", "!\n/", "}\n\n//", "...\r\n/", "\u0000", "\u0007", "\u007f", "\u00ad", "\ufeff", "\ufffd", "\ue000", "\uffff", "\U0010ffff"]
CONTROL = ["<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>", "[INST]", "[/INST]", "<SPECIAL_18>", "<SPECIAL_1", "<SPECIAL_99>", "<|im_", "start|>", "<<s>>", "<tool_response>", "</tool_", "[INST", "<think", "<|im_start|><|im_end|>"]
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0x11FF), (0x1E00, 0x22FF), (0x2C00, 0x2DFF), (0x3000, 0x33FF), (0x4E00, 0x9FFF), (0xA640, 0xA7FF), (0xAB30, 0xABFF), (0xAC00, 0xD7A3), (0xF900, 0xFFFF), (0x10000, 0x107FF), (0x10D40, 0x10D8F), (0x16E40, 0x16EFF), (0x1D400, 0x1D7FF), (0x1E000, 0x1E9FF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF), (0, 0x10FFFF)]
ALL_SENTENCES = [s for group in SENTENCES.values() for s in group]


def _case(rng, text):
    return "".join(c.upper() if rng.random() < 0.3 else c.lower() if rng.random() < 0.3 else c for c in text)


def _code_points(rng):
    low, high = rng.choice(BLOCKS)
    points = (rng.randint(low, high) for _ in range(rng.randint(1, 12)))
    return "".join(chr(p) for p in points if not 0xD800 <= p < 0xE000)


def _words(rng):
    words = rng.choice(ALL_SENTENCES).split(" ")
    start = rng.randrange(len(words))
    return " ".join(words[start : start + rng.randint(1, 6)])


def _excerpt(rng, text):
    start = rng.randrange(len(text))
    return text[start : start + rng.randint(1, 40)]


def _run(rng):
    unit = rng.choice(["a", "A", "aB", "Ab", " ", "\n", "/", "-", "1", "é", "語", "ا", "e\u0301", "ab ", "!", "\r\n", "==", "xY1"])
    return unit * rng.randint(1, 60)


PARTS = [
    (16, lambda rng: rng.choice(ALL_SENTENCES)),
    (16, _words),
    (8, lambda rng: _case(rng, _words(rng))),
    (6, lambda rng: rng.choice(CODE)),
    (8, lambda rng: _excerpt(rng, rng.choice(CODE))),
    (6, lambda rng: _excerpt(rng, rng.choice(ALL_SENTENCES))),
    (10, lambda rng: rng.choice(BLANKS)),
    (10, lambda rng: rng.choice(SYMBOLS)),
    (5, lambda rng: rng.choice(EMOJI)),
    (5, lambda rng: rng.choice(MARKS)),
    (5, lambda rng: rng.choice(CASED)),
    (5, lambda rng: str(rng.randint(0, 10 ** rng.randint(1, 12)))),
    (5, _code_points),
    (3, _run),
    (4, lambda rng: rng.choice(CONTROL)),
    (3, lambda rng: rng.choice(["'s", "'T", "'re", "'VE", "n't", "I'm", "d'", "l'"])),
]
GARBAGE = [f for w, f in PARTS[6:] if f is not PARTS[13][1]]


def string(rng):
    kind = rng.random()
    if kind < 0.15:
        return "".join(rng.choice(GARBAGE)(rng) for _ in range(rng.randint(1, 20)))
    if kind < 0.20:  # bytes of any kind, what is not UTF-8 replaced
        return bytes(rng.choices(range(256), k=rng.randint(1, 40))).decode("utf-8", "replace")
    weights = [w for w, _ in PARTS]
    parts = rng.choices([f for _, f in PARTS], weights, k=rng.randint(1, 7))
    glue = rng.choice(["", "", " ", " ", "\n"])
    return glue.join(f(rng) for f in parts)


def strings(seed, count):
    rng = random.Random(seed)
    return [string(rng) for _ in range(count)]
