"""Fine-tune a pretrained encoder for claim verification with the HF Trainer."""
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import load_dataset
from sklearn.metrics import accuracy_score, f1_score
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

logger = logging.getLogger(__name__)
LABELS = ["refutes", "not_enough", "supports"]


@dataclass
class ModelOptions:
    checkpoint: str = field(default="microsoft/deberta-v3-small")
    max_length: int = field(default=128)
    data_dir: str = field(default="data/claims")


def compute_metrics(output):
    guesses = np.argmax(output.predictions, axis=-1)
    return {
        "accuracy": accuracy_score(output.label_ids, guesses),
        "macro_f1": f1_score(output.label_ids, guesses, average="macro"),
    }


def prepare(options, tokenizer):
    files = {part: f"{options.data_dir}/{part}.jsonl" for part in ("train", "validation", "test")}
    raw = load_dataset("json", data_files=files)

    def encode(batch):
        enc = tokenizer(batch["claim"], batch["evidence"], truncation=True, max_length=options.max_length)
        enc["labels"] = [LABELS.index(v) for v in batch["verdict"]]
        return enc

    return raw.map(encode, batched=True, remove_columns=raw["train"].column_names)


def default_training(args):
    args.learning_rate = 3e-5
    args.num_train_epochs = 3
    args.per_device_train_batch_size = 16
    args.per_device_eval_batch_size = 64
    args.eval_strategy = "epoch"
    args.save_strategy = "epoch"
    args.load_best_model_at_end = True
    args.metric_for_best_model = "macro_f1"
    args.save_total_limit = 1
    return args


def main():
    options, training_args = HfArgumentParser((ModelOptions, TrainingArguments)).parse_args_into_dataclasses()
    logging.basicConfig(level=logging.INFO)
    training_args = default_training(training_args)
    set_seed(training_args.seed)

    tokenizer = AutoTokenizer.from_pretrained(options.checkpoint)
    parts = prepare(options, tokenizer)
    model = AutoModelForSequenceClassification.from_pretrained(options.checkpoint, num_labels=len(LABELS))

    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=parts["train"],
        eval_dataset=parts["validation"],
        data_collator=DataCollatorWithPadding(tokenizer),
        tokenizer=tokenizer,
        compute_metrics=compute_metrics,
    )
    trainer.train()
    results = trainer.evaluate()
    results.update(trainer.predict(parts["test"], metric_key_prefix="test").metrics)
    Path(training_args.output_dir, "all_results.json").write_text(json.dumps(results, indent=2))
    logger.info("macro f1 on test: %.4f", results["test_macro_f1"])


if __name__ == "__main__":
    main()
