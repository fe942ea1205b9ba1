import lightning.pytorch as pl
import torch
from torch import nn
from torchmetrics.classification import MulticlassRecall

from voicelit.corpus import EMOTIONS


class EmotionSystem(pl.LightningModule):
    def __init__(self, bands=64, hidden=128, lr=5e-4, epochs=40):
        super().__init__()
        self.save_hyperparameters()
        self.encoder = nn.GRU(bands, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(2 * hidden, len(EMOTIONS))
        self.loss = nn.CrossEntropyLoss()
        self.valid_uar = MulticlassRecall(len(EMOTIONS), average="macro")
        self.test_uar = MulticlassRecall(len(EMOTIONS), average="macro")

    def forward(self, mel):
        states, _ = self.encoder(mel)
        return self.head(self.drop(states.mean(1)))

    def training_step(self, batch, _):
        mel, target = batch
        loss = self.loss(self(mel), target)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, _):
        mel, target = batch
        self.valid_uar(self(mel), target)
        self.log("valid/uar", self.valid_uar, on_epoch=True)

    def test_step(self, batch, _):
        mel, target = batch
        self.test_uar(self(mel), target)
        self.log("test/uar", self.test_uar, on_epoch=True)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
