"""For tests/convert_test.sh: pickles as the report's program writes them, and the forward pass of its appendix in
float64, to compare with. make | mnist | compare MODEL | strip MODEL KEY,KEY FILE"""
import glob
import gzip
import json
import os
import pickle
import struct
import sys

import numpy as np

# name: layers, activation, clip: clips that cut something, and the report's.
MODELS = {
    "sigmoid": ([784, 12, 10], "Sigmoid", 2),
    "relu": ([784, 30, 10], "relu", 500),
    "leaky": ([784, 20, 10], "leakyrelu", 3.5),
    "deep": ([784, 16, 8, 10], "relu", 9e9),
    "colour": ([3072, 9, 10], "sigmoid", 500),
}


def forward(saved, x):
    def cut(z):
        return np.clip(z, -saved["clipValue"], saved["clipValue"])

    act = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "relu": lambda z: np.maximum(0, z),
           "leakyrelu": lambda z: np.where(z > 0, z, 0 * z)}[saved["activationFunction"]]
    for w, b in zip(saved["weights"][:-1], saved["biases"][:-1]):
        x = act(cut(x @ w + b))
    e = np.exp(cut(x @ saved["weights"][-1] + saved["biases"][-1]))
    return e / e.sum(axis=1, keepdims=True)


def save(name, sizes, activation, clip, rng):
    saved = {
        "layerSizes": sizes,
        "weights": [rng.standard_normal((a, b)) * np.sqrt(4 / a) for a, b in zip(sizes, sizes[1:])],
        "biases": [rng.standard_normal((1, b)) * 0.3 for b in sizes[1:]],
        "activationFunction": activation.lower(),
        "clipValue": clip,
        "weightInit": "he",
    }
    with open(f"{name}.txt", "wb") as file:
        pickle.dump(saved, file)
    return saved


def expected(name, saved, x, labels):
    """x: (examples, inputs) in the order that Keras gives, / 255."""
    p = forward(saved, x)
    with open(f"{name}.expected", "w") as file:
        json.dump({"accuracy": float(np.mean(p.argmax(1) == labels)), "examples": len(x),
                   "loss": float(-np.mean(np.log(p[np.arange(len(x)), labels]))), "outputs": p[:2].tolist()}, file)


def make():
    rng = np.random.default_rng(7)
    for name, (sizes, activation, clip) in MODELS.items():
        side, colours = (32, 3) if sizes[0] == 3072 else (28, 1)
        images = rng.integers(0, 256, (300, side, side, colours), dtype=np.uint8)
        labels = rng.integers(0, 10, 300)
        labels[:10] = np.arange(10)
        planes = images.transpose(0, 3, 1, 2)
        np.savez(f"{name}.npz", x_train=planes[:50], y_train=labels[:50], x_test=planes, y_test=labels)
        for i in range(2):
            magic, ending = ("P6", "ppm") if colours == 3 else ("P5", "pgm")
            with open(f"{name}.{i}.{ending}", "wb") as file:
                file.write(f"{magic} {side} {side} 255\n".encode() + images[i].tobytes())
        expected(name, save(name, sizes, activation, clip, rng), images.reshape(300, -1) / 255, labels)


def read_idx(name):
    for folder in os.environ["ISOFLOP_DATA"].split(":"):
        for path in glob.glob(f"{folder}/mnist/{name}*"):
            data = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
            sizes = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
            return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)
    sys.exit(f"no {name} in ISOFLOP_DATA")


def mnist():
    saved = save("mnist", [784, 64, 10], "relu", 500, np.random.default_rng(8))
    expected("mnist", saved, read_idx("t10k-images").reshape(-1, 784) / 255, read_idx("t10k-labels"))


def compare(name):
    wanted, got = json.load(open(f"{name}.expected")), json.load(open(f"{name}.eval"))
    assert got["examples"] == wanted["examples"], (got, wanted)
    assert abs(got["accuracy"] - wanted["accuracy"]) * wanted["examples"] < 1.5, (got, wanted)
    assert abs(got["loss"] - wanted["loss"]) < 1e-5 * wanted["loss"], (got, wanted)
    if os.path.exists(f"{name}.predict"):
        answers = json.load(open(f"{name}.predict"))
        assert len(answers) == 2
        for answer, p in zip(answers, wanted["outputs"]):
            assert np.allclose(list(answer["outputs"].values()), p, rtol=1e-4, atol=1e-6), (answer, p)


def strip(name, keys, path):
    data = open(f"{name}.safetensors", "rb").read()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    for key in keys.split(","):
        del header["__metadata__"][key]
    if not header["__metadata__"]:
        del header["__metadata__"]
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data[8 + length:])


if __name__ == "__main__":
    {"make": make, "mnist": mnist, "compare": compare, "strip": strip}[sys.argv[1]](*sys.argv[2:])
