"""Support tickets: tickets/{train,dev,test}.tsv with the columns queue, subject, body."""
import csv
from typing import List, NamedTuple


class Ticket(NamedTuple):
    queue: str
    subject: str
    body: str

    @property
    def text(self) -> str:
        return f"{self.subject} . {self.body}"


def read(folder: str, part: str) -> List[Ticket]:
    with open(f"{folder}/{part}.tsv", newline="", encoding="utf-8") as f:
        reader = csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Ticket(r["queue"], r["subject"], r["body"]) for r in reader]
