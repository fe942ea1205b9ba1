import argparse
import json
import os
import numpy as np
from datasets import load_dataset
from sklearn.metrics import accuracy_score, f1_score
from transformers import (AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed)

def compute_metrics(eval_pred):
    logits, labels = eval_pred
    preds = np.argmax(logits, axis=-1)
    return {"accuracy": accuracy_score(labels, preds), "f1": f1_score(labels, preds, average="macro")}

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="distilbert-base-uncased")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output_dir", default="out")
    parser.add_argument("--lr", type=float, default=2e-5)
    args = parser.parse_args()
    set_seed(args.seed)
    raw = load_dataset("csv", data_files={"train": "data/train.csv", "validation": "data/dev.csv", "test": "data/test.csv"})
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    def tok(batch):
        return tokenizer(batch["text"], truncation=True, max_length=128, padding="max_length")
    ds = raw.map(tok, batched=True)
    model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=3)
    targs = TrainingArguments(output_dir=args.output_dir, learning_rate=args.lr, num_train_epochs=3, per_device_train_batch_size=16, seed=args.seed)
    trainer = Trainer(model=model, args=targs, train_dataset=ds["train"], eval_dataset=ds["validation"], compute_metrics=compute_metrics)
    trainer.train()
    dev = trainer.evaluate()
    test = trainer.evaluate(ds["test"])
    with open(os.path.join(args.output_dir, "metrics.json"), "w") as f:
        json.dump({"dev_accuracy": dev["eval_accuracy"], "test_accuracy": test["eval_accuracy"], "test_f1": test["eval_f1"]}, f, indent=2)

if __name__ == "__main__":
    main()
