import argparse

import torch

from .lines import ALPHABET, index, picture
from .net import Crnn


def greedy(logits):
    text, last = [], 0
    for symbol in logits.argmax(-1).tolist():
        if symbol != last and symbol:
            text.append(ALPHABET[symbol - 1])
        last = symbol
    return "".join(text)


parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--part", required=True)
args = parser.parse_args()
net = Crnn()
net.load_state_dict(torch.load(args.model))
net.eval()
with torch.no_grad():
    for name, _ in index(args.part):
        print(name + "\t" + greedy(net(picture(name)[None])[0]))
