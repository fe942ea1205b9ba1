import torch
import torchaudio

WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "_other"]


def read_list(fn):
    rows = []
    for line in open(fn):
        wav, word = line.split()
        rows.append((wav, WORDS.index(word) if word in WORDS else WORDS.index("_other")))
    return rows


_mel = torchaudio.transforms.MelSpectrogram(16000, n_fft=512, hop_length=160, n_mels=40)


def melfeat(wav):
    x, _ = torchaudio.load(f"corpus/{wav}")
    x = torch.nn.functional.pad(x, (0, max(0, 16000 - x.shape[1])))[:, :16000]
    return torch.log(_mel(x) + 1e-6)
