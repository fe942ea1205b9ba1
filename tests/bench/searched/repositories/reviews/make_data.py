"""Write reviews.csv: short product reviews from a grammar, with 8 % of the labels wrong.

Always the same file. A review is one to three sentences; a negation turns the word after it.
"""

import csv
import random
from pathlib import Path


def words(text):
    return text.split()


GOOD = words("great solid sturdy lovely quick bright crisp comfortable reliable quiet neat sharp")
BAD = words("poor flimsy noisy dull slow cheap loose dim awkward broken fragile blurry")
THINGS = words("lamp kettle jacket charger speaker keyboard backpack mixer tent drill monitor")
PARTS = words("handle cable lid zip screen button strap motor base finish box manual")
FILL = words("it arrived on time and i use this every day since my sister told me about one")
SHAPES = (
    "the {part} is {word}",
    "a {word} {thing}",
    "the {thing} feels {word} and the {part} looks fine",
    "i find the {part} rather {word}",
    "{fill} , the {part} seems {word}",
)
COUNT = 2400
WRONG = 0.08


def sentence(good, rng):
    turned = rng.random() < 0.25
    word = rng.choice(GOOD if good != turned else BAD)
    text = rng.choice(SHAPES).format(
        part=rng.choice(PARTS),
        thing=rng.choice(THINGS),
        word=f"not {word}" if turned else word,
        fill=" ".join(rng.sample(FILL, 6)),
    )
    return text


def review(rng):
    good = rng.random() < 0.5
    count = rng.choice((1, 2, 2, 3))
    sentences = [
        sentence(good if i == 0 or rng.random() < 0.7 else not good, rng) for i in range(count)
    ]
    label = good if rng.random() >= WRONG else not good
    return " . ".join(sentences), int(label)


def main():
    rng = random.Random(20)
    with (Path(__file__).parent / "reviews.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["text", "positive"])
        writer.writerows(review(rng) for _ in range(COUNT))


if __name__ == "__main__":
    main()
