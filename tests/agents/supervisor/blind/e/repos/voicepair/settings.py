"""Constants of both programs."""
VOICES = "voices"
FRAMES = 100          # of a training crop
WIDTH = 96
EMBEDDING = 64
EPOCHS = 25
SPEAKERS_PER_BATCH = 16
CLIPS_PER_SPEAKER = 4
LR = 1e-3
SCALE = 16.0
