"""All settings in one place."""
TEXT = "text/tunes.abc"
SHARES = (0.90, 0.05, 0.05)      # train, valid, test, in the order of the file

CONTEXT = 128
BATCH = 48
STEPS = 3000
EVERY = 250

LAYERS = 4
HEADS = 4
WIDTH = 128
DROPOUT = 0.1

LR = 1e-3
WEIGHT_DECAY = 0.01
