"""Mean over images of the Dice coefficient of the nuclei."""
import torch


@torch.no_grad()
def mean_dice(model, image, mask, cfg, device):
    model.eval()
    scores = []
    for x, y in zip(image.split(16), mask.split(16)):
        guess = (torch.sigmoid(model(x.to(device))).cpu() > cfg.threshold).float()
        both = (guess * y).sum((1, 2))
        size = guess.sum((1, 2)) + y.sum((1, 2))
        dice = torch.where(size > 0, (2 * both + cfg.smooth) / (size + cfg.smooth).clamp(min=1e-9),
                           torch.ones(()))
        scores.append(dice)
    return torch.cat(scores).mean().item()
