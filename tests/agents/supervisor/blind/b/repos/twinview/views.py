import torch
from torchvision import datasets, transforms as T


class TwoViews:
    def __init__(self, base):
        self.base = base

    def __call__(self, img):
        return self.base(img), self.base(img)


STRONG = T.Compose([
    T.RandomResizedCrop(32, scale=(0.2, 1.0)),
    T.RandomHorizontalFlip(),
    T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
    T.RandomGrayscale(p=0.2),
    T.ToTensor(),
])
PLAIN = T.ToTensor()


def ssl_set(root):
    return datasets.CIFAR10(root, train=True, transform=TwoViews(STRONG))


def probe_sets(root):
    full = datasets.CIFAR10(root, train=True, transform=PLAIN)
    g = torch.Generator().manual_seed(7)
    fit, val = torch.utils.data.random_split(full, [45000, 5000], generator=g)
    test = datasets.CIFAR10(root, train=False, transform=PLAIN)
    return fit, val, test
