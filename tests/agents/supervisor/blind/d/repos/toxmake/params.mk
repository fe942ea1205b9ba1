# knobs of the pipeline; each is passed on to one script
NGRAM   ?= 3
BITS    ?= 2048
L2      ?= 0.01
EPOCHS  ?= 60
LR      ?= 0.1
