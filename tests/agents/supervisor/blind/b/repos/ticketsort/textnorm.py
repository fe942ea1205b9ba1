import re

_URL = re.compile(r"https?://\S+")
_NUM = re.compile(r"\b\d[\d.,]*\b")
_WS = re.compile(r"\s+")

GREETINGS = ("hi", "hello", "dear", "hey")


def tidy(msg):
    msg = _URL.sub(" urltok ", msg.lower())
    msg = _NUM.sub(" numtok ", msg)
    return _WS.sub(" ", msg).strip()


def strip_greeting(msg):
    first, _, rest = msg.partition(" ")
    return rest if first.strip(",.!") in GREETINGS else msg
