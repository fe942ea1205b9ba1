import pytorch_lightning as pl
import torch
import torchmetrics
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, random_split
from torchvision import transforms
from torchvision.datasets import CIFAR10
import argparse

class LitNet(pl.LightningModule):
    def __init__(self, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 256), nn.ReLU(), nn.Linear(256, 10))
        self.acc = torchmetrics.Accuracy(task="multiclass", num_classes=10)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_acc", self.acc(self(x), y))

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.log("test_acc", self.acc(self(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)

def loaders():
    tf = transforms.ToTensor()
    full = CIFAR10("data", train=True, transform=tf)
    train, val = random_split(full, [45000, 5000], generator=torch.Generator().manual_seed(42))
    test = CIFAR10("data", train=False, transform=tf)
    return DataLoader(train, 128, shuffle=True), DataLoader(val, 256), DataLoader(test, 256)

if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    pl.seed_everything(a.seed)
    tr, va, te = loaders()
    model = LitNet()
    trainer = pl.Trainer(max_epochs=5, logger=False)
    trainer.fit(model, tr, va)
    val = trainer.validate(model, va)[0]
    test = trainer.test(model, te)[0]
    print("METRIC val_acc=%.5f" % val["val_acc"])
    print("METRIC test_acc=%.5f" % test["test_acc"])
