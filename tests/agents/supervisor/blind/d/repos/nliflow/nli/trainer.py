"""The part of the Hugging Face Trainer that this project needs."""
import copy
import math
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


@dataclass
class TrainingArguments:
    output_dir: str
    seed: int = 0
    num_train_epochs: int = 8
    per_device_train_batch_size: int = 32
    per_device_eval_batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup_ratio: float = 0.0
    max_grad_norm: float = 1.0
    metric_for_best_model: str = "eval_accuracy"
    load_best_model_at_end: bool = True


class EvalPrediction(NamedTuple):
    predictions: np.ndarray
    label_ids: np.ndarray


class TrainerCallback:
    def on_epoch_end(self, trainer, metrics):
        pass

    def on_train_end(self, trainer):
        pass


class Trainer:
    def __init__(
        self,
        model: torch.nn.Module,
        args: TrainingArguments,
        train_dataset: Dataset,
        eval_dataset: Dataset,
        data_collator: Callable,
        compute_metrics: Callable[[EvalPrediction], Dict[str, float]],
        callbacks: Optional[List[TrainerCallback]] = None,
    ):
        self.model, self.args = model, args
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset
        self.data_collator, self.compute_metrics = data_collator, compute_metrics
        self.callbacks = callbacks or []
        self.should_stop = False
        self.best_metric, self.best_state = -math.inf, None

    def get_train_dataloader(self) -> DataLoader:
        gen = torch.Generator().manual_seed(self.args.seed)
        return DataLoader(
            self.train_dataset,
            self.args.per_device_train_batch_size,
            shuffle=True,
            generator=gen,
            collate_fn=self.data_collator,
        )

    def create_optimizer(self):
        return torch.optim.AdamW(
            self.model.parameters(), lr=self.args.learning_rate, weight_decay=self.args.weight_decay
        )

    def create_scheduler(self, optimizer, total: int):
        warm = max(int(total * self.args.warmup_ratio), 1)
        return torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda s: min((s + 1) / warm, max(0.0, (total - s) / max(total - warm, 1)))
        )

    def compute_loss(self, model, inputs):
        return model(**inputs).loss

    def train(self) -> Dict[str, Any]:
        args = self.args
        loader = self.get_train_dataloader()
        optimizer = self.create_optimizer()
        scheduler = self.create_scheduler(optimizer, args.num_train_epochs * len(loader))
        metrics: Dict[str, float] = {}
        for epoch in range(args.num_train_epochs):
            self.model.train()
            for inputs in loader:
                loss = self.compute_loss(self.model, inputs)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), args.max_grad_norm)
                optimizer.step()
                scheduler.step()
            metrics = self.evaluate()
            print(f"epoch {epoch + 1}: " + " ".join(f"{k}={v:.4f}" for k, v in metrics.items()))
            if metrics[args.metric_for_best_model] > self.best_metric:
                self.best_metric = metrics[args.metric_for_best_model]
                self.best_state = copy.deepcopy(self.model.state_dict())
            for cb in self.callbacks:
                cb.on_epoch_end(self, metrics)
            if self.should_stop:
                break
        if args.load_best_model_at_end and self.best_state is not None:
            self.model.load_state_dict(self.best_state)
        for cb in self.callbacks:
            cb.on_train_end(self)
        return metrics

    @torch.no_grad()
    def predict(self, dataset: Dataset, metric_key_prefix: str = "test"):
        self.model.eval()
        loader = DataLoader(dataset, self.args.per_device_eval_batch_size, collate_fn=self.data_collator)
        logits, labels = [], []
        for inputs in loader:
            logits.append(self.model(input_ids=inputs["input_ids"]).logits.numpy())
            labels.append(inputs["labels"].numpy())
        pred = EvalPrediction(np.concatenate(logits), np.concatenate(labels))
        metrics = {f"{metric_key_prefix}_{k}": v for k, v in self.compute_metrics(pred).items()}
        return pred, metrics

    def evaluate(self, eval_dataset: Optional[Dataset] = None, metric_key_prefix: str = "eval") -> Dict[str, float]:
        dataset = eval_dataset if eval_dataset is not None else self.eval_dataset
        return self.predict(dataset, metric_key_prefix)[1]
