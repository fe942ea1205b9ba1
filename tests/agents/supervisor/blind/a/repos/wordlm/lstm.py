from torch import nn


class WordLSTM(nn.Module):
    def __init__(self, vocab, embed, hidden, layers, dropout):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.embed = nn.Embedding(vocab, embed)
        self.rnn = nn.LSTM(embed, hidden, layers, dropout=dropout)
        self.out = nn.Linear(hidden, vocab)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)

    def forward(self, tokens, state=None):
        h, state = self.rnn(self.drop(self.embed(tokens)), state)
        return self.out(self.drop(h)), state
