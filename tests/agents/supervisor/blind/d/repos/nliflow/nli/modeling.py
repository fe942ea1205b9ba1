from dataclasses import dataclass
from typing import Optional

import torch
from torch import nn


@dataclass
class PairConfig:
    vocab_size: int
    num_labels: int = 3
    hidden_size: int = 96
    dropout: float = 0.1
    pad_token_id: int = 0


@dataclass
class PairOutput:
    logits: torch.Tensor
    loss: Optional[torch.Tensor] = None


class PairEncoder(nn.Module):
    """Bi-GRU over premise <sep> hypothesis, mean and max pooling, two linear layers."""

    def __init__(self, config: PairConfig):
        super().__init__()
        self.config = config
        h = config.hidden_size
        self.embed = nn.Embedding(config.vocab_size, h, padding_idx=config.pad_token_id)
        self.rnn = nn.GRU(h, h, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Sequential(nn.Linear(4 * h, h), nn.Tanh(), nn.Linear(h, config.num_labels))
        self.loss_fct = nn.CrossEntropyLoss()

    def pool(self, states, mask):
        mask = mask.unsqueeze(-1)
        mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        top = states.masked_fill(~mask, -1e4).amax(1)
        return torch.cat([mean, top], dim=-1)

    def forward(self, input_ids, labels=None):
        mask = input_ids != self.config.pad_token_id
        states, _ = self.rnn(self.dropout(self.embed(input_ids)))
        logits = self.classifier(self.dropout(self.pool(states, mask)))
        loss = self.loss_fct(logits, labels) if labels is not None else None
        return PairOutput(logits=logits, loss=loss)
