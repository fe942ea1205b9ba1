from tensorflow import keras
from tensorflow.keras import layers


def build(leads, filters, kernel):
    signal = keras.Input((None, leads))
    x = signal
    for width in filters:
        x = layers.Conv1D(width, kernel, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling1D(4)(x)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dropout(0.3)(x)
    return keras.Model(signal, layers.Dense(1, activation="sigmoid")(x))
