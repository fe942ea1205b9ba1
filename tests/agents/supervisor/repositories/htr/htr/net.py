from torch import nn

from .lines import ALPHABET, HEIGHT


class Crnn(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                                 nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.rnn = nn.LSTM(width * HEIGHT // 4, 128, bidirectional=True, batch_first=True)
        self.out = nn.Linear(256, len(ALPHABET) + 1)

    def forward(self, image):
        features = self.cnn(image[:, None]).permute(0, 3, 1, 2).flatten(2)
        hidden, _ = self.rnn(features)
        return self.out(hidden).log_softmax(-1)
