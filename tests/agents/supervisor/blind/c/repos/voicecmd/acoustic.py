import torch
import torch.nn as nn

from speech_data import ALPHABET


class Acoustic(nn.Module):
    def __init__(self, n_mels=64, hidden=192, layers=3, dropout=0.1):
        super().__init__()
        self.sub = nn.Conv1d(n_mels, hidden, 5, stride=2, padding=2)
        self.rnn = nn.GRU(hidden, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.out = nn.Linear(2 * hidden, len(ALPHABET))

    def forward(self, x, lens):
        h = torch.relu(self.sub(x.transpose(1, 2))).transpose(1, 2)
        lens = (lens + 1) // 2
        h, _ = self.rnn(h)
        return self.out(h).log_softmax(-1), lens


def greedy(logp, lens):
    texts = []
    for row, n in zip(logp.argmax(-1), lens):
        ids = torch.unique_consecutive(row[:n]).tolist()
        texts.append("".join(ALPHABET[i] for i in ids if i))
    return texts
