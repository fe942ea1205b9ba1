import torch.nn as nn

from .data import PAD


class BagTagger(nn.Module):
    def __init__(self, n_words, n_tags, cfg):
        super().__init__()
        self.emb = nn.Embedding(n_words, cfg.emb_dim, padding_idx=PAD)
        self.mlp = nn.Sequential(
            nn.Linear(cfg.emb_dim, cfg.hidden),
            nn.ReLU(),
            nn.Dropout(cfg.dropout),
            nn.Linear(cfg.hidden, n_tags),
        )

    def forward(self, x):
        mask = (x != PAD).unsqueeze(-1).float()
        mean = (self.emb(x) * mask).sum(1) / mask.sum(1).clamp(min=1)
        return self.mlp(mean)
