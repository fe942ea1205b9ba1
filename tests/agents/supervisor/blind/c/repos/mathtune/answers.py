import re

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?")


def extract(text):
    """The last number after 'Answer:', or None."""
    tail = text.rsplit("Answer:", 1)
    if len(tail) < 2:
        return None
    found = NUMBER.findall(tail[1])
    return found[0].replace(",", "") if found else None


def to_float(s):
    if "/" in s:
        a, b = s.split("/")
        return float(a) / float(b)
    return float(s)


def same_answer(guess, gold):
    if guess is None:
        return False
    try:
        return abs(to_float(guess) - to_float(gold)) < 1e-6
    except (ValueError, ZeroDivisionError):
        return guess.strip() == gold.strip()
