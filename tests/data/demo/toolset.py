"""Tool schemas of the demo model: the default set and the renamed variants used in training.

A tool variant is (intents, name, descriptions, parameters); a parameter is
(canonical argument, names, type, descriptions, enum or None, required).
`python toolset.py > ../../../examples/demo-model/tools.json` writes the default set.
"""
import json

ROOM = ("room", ["room", "room", "area", "location"], "string", ["Room name in English", "Name of the room"], None, False)


def room(required=False):
    return ROOM[:5] + (required,)


LIGHT = ["light_on", "light_off", "light_dim"]
COVER = ["cover_open", "cover_close", "cover_pos"]
VARIANTS = {
    "light": [
        [(LIGHT, "set_light", ["Turn a light on or off or dim it", "Switch or dim lights"], [
            room(), ("state", ["state", "power"], "string", [None], ["on", "off"], True),
            ("brightness", ["brightness", "level"], "integer", ["Percent"], None, False)])],
        [(LIGHT, "light_control", ["Control the lights", "Change a light"], [
            room(), ("on", ["on", "enabled"], "boolean", [None], None, True),
            ("brightness", ["brightness", "percent"], "integer", ["Brightness in percent"], None, False)])],
        [(["light_on", "light_dim"], "turn_on_light", ["Turn a light on", "Switch on a light"], [
            room(), ("brightness", ["brightness"], "integer", ["Percent"], None, False)]),
         (["light_off"], "turn_off_light", ["Turn a light off", "Switch off a light"], [room()])],
    ],
    "set_temp": [
        [(["set_temp"], "set_temperature", ["Set the target temperature", "Change the heating"], [
            room(), ("temperature", ["temperature", "degrees"], "integer", ["Degrees Celsius"], None, True)])],
        [(["set_temp"], "climate_control", ["Control heating and cooling"], [
            room(), ("temperature", ["target", "value"], "integer", ["Target in degrees"], None, True)])],
    ],
    "get_temp": [
        [(["get_temp"], "get_temperature", ["Read the temperature of a room", "Measure the temperature"], [room(True)])],
        [(["get_temp"], "read_sensor", ["Read the temperature sensor"], [room(True)])],
    ],
    "cover": [
        [(COVER, "set_blinds", ["Move blinds, shutters or curtains", "Open or close blinds"], [
            room(), ("position", ["position", "percent"], "integer", ["0 is closed, 100 is open"], None, True)])],
        [(["cover_open"], "open_cover", ["Open blinds, shutters or curtains"], [room()]),
         (["cover_close"], "close_cover", ["Close blinds, shutters or curtains"], [room()])],
    ],
    "lock": [
        [(["lock", "unlock"], "set_lock", ["Lock or unlock a door", "Control a door lock"], [
            ("door", ["door"], "string", ["Door name in English", None], None, True),
            ("action", ["action", "state"], "string", [None], ["lock", "unlock"], True)])],
        [(["lock"], "lock_door", ["Lock a door"], [("door", ["door", "name"], "string", [None], None, True)]),
         (["unlock"], "unlock_door", ["Unlock a door"], [("door", ["door", "name"], "string", [None], None, True)])],
    ],
    "timer": [
        [(["timer"], "start_timer", ["Start a timer", "Set a countdown"], [
            ("minutes", ["minutes", "duration"], "integer", ["Length in minutes", "Minutes"], None, True)])],
        [(["timer"], "set_alarm_timer", ["Start a kitchen timer"], [
            ("minutes", ["min", "minutes"], "integer", [None], None, True)])],
    ],
    "weather": [
        [(["weather_today", "weather_tomorrow"], "get_weather", ["Get the weather of a city", "Weather forecast"], [
            ("city", ["city", "place"], "string", [None], None, True),
            ("day", ["day", "when"], "string", [None], ["today", "tomorrow"], True)])],
    ],
    "music": [
        [(["music"], "play_music", ["Play music", "Play music in a room"], [
            ("genre", ["genre", "style"], "string", ["Genre in English", None], None, True), room()])],
        [(["music"], "start_playback", ["Start music playback"], [
            ("genre", ["genre", "query"], "string", [None], None, True), room()])],
    ],
    "device": [
        [(["device_on", "device_off"], "set_device", ["Turn a device on or off", "Switch a device"], [
            ("device", ["device", "name"], "string", ["Device name in English", None], None, True),
            ("state", ["state", "power"], "string", [None], ["on", "off"], True)])],
        [(["device_on"], "start_device", ["Turn a device on"], [("device", ["device"], "string", [None], None, True)]),
         (["device_off"], "stop_device", ["Turn a device off"], [("device", ["device"], "string", [None], None, True)])],
    ],
}
DEFAULT = ["light", "set_temp", "get_temp", "cover", "lock", "timer", "weather"]


def build(variant, rng=None):
    """One variant -> [(intents, JSON schema, canonical -> parameter name)]; rng None takes the first choices."""
    def pick(options):
        return rng.choice(options) if rng else options[0]
    tools = []
    for intents, name, descriptions, parameters in variant:
        properties, names = {}, {}
        for canonical, pnames, kind, pdescs, enum, _ in parameters:
            names[canonical] = pick(pnames)
            field = {"type": kind}
            text = pick(pdescs)
            if text:
                field["description"] = text
            if enum:
                field["enum"] = enum
            properties[names[canonical]] = field
        required = [names[p[0]] for p in parameters if p[5]]
        schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        function = {"name": name, "description": pick(descriptions), "parameters": schema}
        tools.append((intents, {"type": "function", "function": function}, names))
    return tools


def default_set():
    return [tool for kind in DEFAULT for tool in build(VARIANTS[kind][0])]


def random_set(rng):
    kinds = rng.sample(sorted(VARIANTS), rng.randint(2, 6))
    tools = [tool for kind in kinds for tool in build(rng.choice(VARIANTS[kind]), rng)]
    return tools


if __name__ == "__main__":
    print(json.dumps([tool[1] for tool in default_set()], indent=2))
