from .modeling import PairConfig, PairEncoder
from .tokenization import WordTokenizer
from .trainer import Trainer, TrainerCallback, TrainingArguments

__all__ = ["PairConfig", "PairEncoder", "Trainer", "TrainerCallback", "TrainingArguments", "WordTokenizer"]
