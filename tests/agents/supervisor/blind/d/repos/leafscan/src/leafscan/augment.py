"""Random changes of a training photograph (float tensor, 3 x H x W, in 0..1)."""
import torch


class Compose:
    def __init__(self, steps):
        self.steps = list(steps)

    def __call__(self, image):
        for step in self.steps:
            image = step(image)
        return image


class RandomFlip:
    def __call__(self, image):
        if torch.rand(()) < 0.5:
            image = image.flip(-1)
        if torch.rand(()) < 0.5:
            image = image.flip(-2)
        return image


class PadCrop:
    def __init__(self, pad=4):
        self.pad = pad

    def __call__(self, image):
        height, width = image.shape[-2:]
        padded = torch.nn.functional.pad(image, [self.pad] * 4, mode="reflect")
        top = int(torch.randint(0, 2 * self.pad + 1, ()))
        left = int(torch.randint(0, 2 * self.pad + 1, ()))
        return padded[:, top:top + height, left:left + width]


def training_transform():
    return Compose([RandomFlip(), PadCrop()])
