import json

TEMPLATE = "Question: {question}\nReason step by step, then write 'Answer:' and the number.\n"


def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def prompt(row):
    return TEMPLATE.format(question=row["question"])


def target(row):
    return f"{row['rationale']}\nAnswer: {row['answer']}"
