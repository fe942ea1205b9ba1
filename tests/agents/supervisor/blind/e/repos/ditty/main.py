import copy
import sys

import torch
import torch.nn.functional as F

import constants as C
from bits import bits_per_character
from corpus import Corpus, generator
from transformer import Transformer

seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
rng = generator(seed)
device = "cuda" if torch.cuda.is_available() else "cpu"

corpus = Corpus()
model = Transformer(corpus.size).to(device)
optimiser = torch.optim.AdamW(model.parameters(), lr=C.LR, weight_decay=C.WEIGHT_DECAY)

best, kept = float("inf"), None
for step in range(1, C.STEPS + 1):
    x, y = corpus.batch(rng, device)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step % C.EVERY == 0 or step == C.STEPS:
        bpc = bits_per_character(model, corpus.parts["valid"], C.CONTEXT, device)
        print(f"step {step} loss {loss.item():.3f} valid {bpc:.4f}")
        if bpc < best:
            best, kept = bpc, copy.deepcopy(model.state_dict())

model.load_state_dict(kept)
print(f"METRIC valid_bpc={best:.5f}")
print(f"METRIC test_bpc={bits_per_character(model, corpus.parts['test'], C.CONTEXT, device):.5f}")
