import re

KEEP = re.compile(r"[^a-z' ]")


def normalise(text):
    return KEEP.sub(" ", text.lower()).split()


def edits(ref, hyp):
    row = list(range(len(hyp) + 1))
    for i, r in enumerate(ref, 1):
        diag, row[0] = row[0], i
        for j, h in enumerate(hyp, 1):
            diag, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diag + (r != h))
    return row[-1]


def corpus_wer(refs, hyps):
    assert len(refs) == len(hyps)
    wrong = words = 0
    for ref, hyp in zip(refs, hyps):
        ref, hyp = normalise(ref), normalise(hyp)
        wrong += edits(ref, hyp)
        words += len(ref)
    return wrong / words
