"""Leaf photographs in <root>/<part>/<class>/<file>.jpg."""
from pathlib import Path

from PIL import Image
from torch.utils.data import Dataset
from torchvision import transforms as T

MEAN = (0.467, 0.489, 0.412)
STD = (0.178, 0.153, 0.196)


def make_transform(train, size=128):
    steps = []
    if train:
        steps += [T.RandomResizedCrop(size, scale=(0.5, 1.0)), T.RandomHorizontalFlip()]
    else:
        steps += [T.Resize(int(size * 1.14)), T.CenterCrop(size)]
    return T.Compose(steps + [T.ToTensor(), T.Normalize(MEAN, STD)])


class LeafFolder(Dataset):
    def __init__(self, root, part, transform):
        base = Path(root) / part
        self.classes = sorted(p.name for p in base.iterdir() if p.is_dir())
        index = {name: i for i, name in enumerate(self.classes)}
        self.items = [(f, index[f.parent.name]) for f in sorted(base.glob("*/*.jpg"))]
        self.transform = transform

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        path, label = self.items[i]
        image = Image.open(path).convert("RGB")
        return self.transform(image), label
