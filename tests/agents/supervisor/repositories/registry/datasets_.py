import torchvision, torchvision.transforms as T
from torch.utils.data import DataLoader
def get_cifar():
    tr = T.Compose([T.RandomCrop(32, 4), T.RandomHorizontalFlip(), T.ToTensor()])
    te = T.ToTensor()
    a = torchvision.datasets.CIFAR10("./data", train=True, transform=tr, download=False)
    b = torchvision.datasets.CIFAR10("./data", train=False, transform=te, download=False)
    return DataLoader(a, 128, shuffle=True, num_workers=2), DataLoader(b, 256, num_workers=2)
