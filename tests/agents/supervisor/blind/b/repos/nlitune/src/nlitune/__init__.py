"""Natural-language inference fine-tuning."""
