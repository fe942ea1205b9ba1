def shape(word):
    out = ""
    for c in word:
        s = "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c
        if not out.endswith(s):
            out += s
    return out


def features(sentence, i):
    """Names of the features that are on at word i."""
    word = sentence[i]
    before = sentence[i - 1] if i else "<s>"
    after = sentence[i + 1] if i + 1 < len(sentence) else "</s>"
    return ["bias", f"w={word.lower()}", f"shape={shape(word)}", f"end={word[-3:].lower()}",
            f"before={before.lower()}", f"after={after.lower()}", f"first={i == 0}"]
