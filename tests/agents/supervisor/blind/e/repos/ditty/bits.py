"""Bits per character, every character of the part predicted once."""
import math

import torch
import torch.nn.functional as F


@torch.no_grad()
def bits_per_character(model, data, context, device):
    model.eval()
    nats = count = 0
    for s in range(0, len(data) - 1, context):
        x = data[s:s + context][:len(data) - 1 - s].to(device)[None]
        y = data[s + 1:s + 1 + context].to(device)
        nats += F.cross_entropy(model(x)[0].float(), y, reduction="sum").item()
        count += len(y)
    model.train()
    return nats / count / math.log(2)
