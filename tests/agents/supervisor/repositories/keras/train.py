import argparse
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

def build_model():
    model = keras.Sequential([
        keras.Input(shape=(28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model

def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--epochs", type=int, default=3)
    args = ap.parse_args()
    keras.utils.set_random_seed(args.seed)
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    x_train = x_train.astype("float32")[..., None] / 255
    x_test = x_test.astype("float32")[..., None] / 255
    x_val, y_val = x_train[-6000:], y_train[-6000:]
    x_train, y_train = x_train[:-6000], y_train[:-6000]
    model = build_model()
    model.fit(x_train, y_train, batch_size=128, epochs=args.epochs, validation_data=(x_val, y_val))
    _, val_acc = model.evaluate(x_val, y_val, verbose=0)
    _, test_acc = model.evaluate(x_test, y_test, verbose=0)
    print(f"METRIC val_acc={val_acc}")
    print(f"METRIC test_acc={test_acc}")

if __name__ == "__main__":
    main()
