import torch


@torch.no_grad()
def filtered_ranks(model, triples, known, bs=256):
    """Filtered tail ranking with the mean-rank convention for ties."""
    model.eval()
    ranks = []
    for chunk in triples.split(bs):
        s = model.all_tails(chunk[:, 0], chunk[:, 1])
        for i, (h, r, t) in enumerate(chunk.tolist()):
            gold = s[i, t].item()
            drop = list(known[(h, r)] - {t})
            s[i, drop] = float("-inf")
            above = (s[i] > gold).sum().item()
            equal = (s[i] == gold).sum().item() - 1
            ranks.append(1 + above + equal / 2)
    return torch.tensor(ranks)


def summary(ranks):
    return {"mrr": (1.0 / ranks).mean().item(),
            "hits@1": (ranks <= 1).float().mean().item(),
            "hits@10": (ranks <= 10).float().mean().item()}
