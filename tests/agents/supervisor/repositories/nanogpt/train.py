import os, math, argparse
import numpy as np
import torch
from model import GPT, GPTConfig
p = argparse.ArgumentParser()
p.add_argument("--seed", type=int, default=1337)
p.add_argument("--out_dir", default="out")
args = p.parse_args()
batch_size = 12
block_size = 64
eval_iters = 200
max_iters = 2000
learning_rate = 1e-3
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(args.seed)
data_dir = os.path.join("data", "shakespeare_char")
train_data = np.memmap(os.path.join(data_dir, "train.bin"), dtype=np.uint16, mode="r")
val_data = np.memmap(os.path.join(data_dir, "val.bin"), dtype=np.uint16, mode="r")

def get_batch(split):
    data = train_data if split == "train" else val_data
    ix = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([torch.from_numpy((data[i:i + block_size]).astype(np.int64)) for i in ix])
    y = torch.stack([torch.from_numpy((data[i + 1:i + 1 + block_size]).astype(np.int64)) for i in ix])
    return x.to(device), y.to(device)

config = GPTConfig(block_size=block_size, vocab_size=65, n_layer=4, n_head=4, n_embd=128)
model = GPT(config).to(device)
optimizer = model.configure_optimizers(weight_decay=0.1, learning_rate=learning_rate)

@torch.no_grad()
def estimate_loss():
    out = {}
    model.eval()
    for split in ["train", "val"]:
        losses = torch.zeros(eval_iters)
        for k in range(eval_iters):
            X, Y = get_batch(split)
            logits, loss = model(X, Y)
            losses[k] = loss.item()
        out[split] = losses.mean()
    model.train()
    return out

def get_lr(it):
    return learning_rate * 0.5 * (1.0 + math.cos(math.pi * it / max_iters))

for it in range(max_iters):
    for group in optimizer.param_groups:
        group["lr"] = get_lr(it)
    X, Y = get_batch("train")
    logits, loss = model(X, Y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
losses = estimate_loss()
print(f"METRIC val_loss={losses['val']:.4f}")
