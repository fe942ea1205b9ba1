import csv

import torch
import torchaudio

ALPHABET = "_ abcdefghijklmnopqrstuvwxyz'"
RATE = 16000


def read_manifest(path):
    with open(path, newline="") as f:
        return [(r["wav"], r["text"].lower()) for r in csv.DictReader(f)]


class Frontend(torch.nn.Module):
    def __init__(self, n_mels=64):
        super().__init__()
        self.mel = torchaudio.transforms.MelSpectrogram(RATE, n_fft=400, hop_length=160, n_mels=n_mels)

    def forward(self, wave):
        m = (self.mel(wave) + 1e-6).log()
        return (m - m.mean(-1, keepdim=True)) / (m.std(-1, keepdim=True) + 1e-5)


def load_wave(path):
    wave, rate = torchaudio.load(path)
    if rate != RATE:
        wave = torchaudio.functional.resample(wave, rate, RATE)
    return wave.mean(0)


def to_ids(text):
    return [ALPHABET.index(c) for c in text if c in ALPHABET[1:]]


def pad_batch(items, frontend):
    feats = [frontend(load_wave(w)).T for w, _ in items]
    lens = torch.tensor([len(f) for f in feats])
    x = torch.nn.utils.rnn.pad_sequence(feats, batch_first=True)
    ids = [to_ids(t) for _, t in items]
    return x, lens, torch.tensor(sum(ids, [])), torch.tensor([len(i) for i in ids])
