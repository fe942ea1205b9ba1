import argparse

import numpy as np
import torch

from front import melfeat, read_list
from learn import DsCnn

ap = argparse.ArgumentParser()
ap.add_argument("--model")
ap.add_argument("--list")
ap.add_argument("--to")
o = ap.parse_args()

net = DsCnn()
net.load_state_dict(torch.load(o.model))
net.eval()
names, posts = [], []
with torch.no_grad():
    for wav, _ in read_list(o.list):
        posts.append(net(melfeat(wav)[None]).softmax(1)[0].numpy())
        names.append(wav)
np.savez(o.to, names=np.array(names), posts=np.stack(posts))
