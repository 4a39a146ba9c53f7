#!/usr/bin/python3
"""Computes tests/reference/reference.txt: what activations, losses, schedules and optimizers should give.

Everything is computed here from the textbook formula, in float64 (derivatives as central differences in NumPy's
long double, so that no formula for a derivative is repeated), from inputs that are float32 numbers. Needs NumPy; not
needed to build or test. Usage: make_reference.py > reference.txt
"""
import math
import numpy as np

L = np.longdouble
rng = np.random.default_rng(20240229)


def line(*words):
    print(" ".join(f"{w:.17g}" if isinstance(w, (float, np.floating)) else str(w) for w in words))


def options(parameters):
    return [f"{k}={v}" for k, v in parameters.items()]


# ---- activations: x, value, slope ----
def erf(x):  # to long double: series of e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!!
    x = np.asarray(x, L)
    term, total, n = x.copy(), x.copy(), 0
    while n < 400:
        n += 1
        term = term * 2 * x * x / (2 * n + 1)
        total = total + term
    return np.where(np.abs(x) > 6.5, np.sign(x), 2 / np.sqrt(L(np.pi)) * np.exp(-x * x) * total)


sigmoid = lambda x: 1 / (1 + np.exp(-x))
PI = L("3.14159265358979323846264338327950288")
activations = [
    ("identity", {}, lambda x: x), ("sigmoid", {}, sigmoid), ("tanh", {}, np.tanh),
    ("relu", {}, lambda x: np.maximum(x, 0)),
    ("hard_sigmoid", {}, lambda x: np.clip(x / 6 + L(0.5), 0, 1)),
    ("leaky_relu", {}, lambda x: np.where(x > 0, x, x / 100)),
    ("leaky_relu", {"slope": 0.25}, lambda x: np.where(x > 0, x, x / 4)),
    ("relu6", {}, lambda x: np.clip(x, 0, 6)),
    ("elu", {}, lambda x: np.where(x > 0, x, np.expm1(x))),
    ("elu", {"alpha": 0.5}, lambda x: np.where(x > 0, x, np.expm1(x) / 2)),
    ("selu", {}, lambda x: L("1.0507009873554804934193349852946")
     * np.where(x > 0, x, L("1.6732632423543772848170429916717") * np.expm1(x))),
    ("celu", {}, lambda x: np.maximum(x, 0) + np.minimum(0, np.expm1(x))),
    ("celu", {"alpha": 2}, lambda x: np.maximum(x, 0) + np.minimum(0, 2 * np.expm1(x / 2))),
    ("gelu", {}, lambda x: x / 2 * (1 + erf(x / np.sqrt(L(2))))),
    ("gelu", {"form": "tanh"}, lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / PI) * (x + L("0.044715") * x**3)))),
    ("silu", {}, lambda x: x * sigmoid(x)), ("mish", {}, lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    ("softplus", {}, lambda x: np.logaddexp(0, x)), ("softplus", {"beta": 4}, lambda x: np.logaddexp(0, 4 * x) / 4),
    ("softsign", {}, lambda x: x / (1 + np.abs(x))), ("squared_relu", {}, lambda x: np.maximum(x, 0)**2),
    ("sine", {}, np.sin), ("sine", {"frequency": 3}, lambda x: np.sin(3 * x)),
    ("gaussian", {}, lambda x: np.exp(-x * x)), ("gaussian", {"width": 2}, lambda x: np.exp(-(x / 2)**2)),
]
points = np.float32([-40, -12.5, -9, -6.5, -5, -4.75, -3.5, -2.5, -1.5, -1, -0.7, -0.3, -0.01, -1e-4, 1e-4,
                     0.02, 0.4, 0.9, 1.1,
                     2, 2.9, 3.7, 5.5, 7, 11, 35])
step = L(2)**-16
for name, parameters, f in activations:
    line("activation", name, len(points), *options(parameters))
    x = points.astype(L)
    # fourth-order differences
    slope = (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step)
    for p, y, d in zip(points, f(x), slope):
        line(float(p), float(y), float(d))


# ---- losses: raw outputs, label, dense targets; value, gradient ----
def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def through(kind, z):
    return {"identity": lambda: z, "softmax": lambda: softmax(z), "sigmoid": lambda: sigmoid(z)}[kind]()


def huber(r, delta):
    return np.where(np.abs(r) <= delta, r * r / 2, delta * (np.abs(r) - delta / 2))


def cross_entropy(z, label, q, smoothing=0, weights=None):
    target = np.full(len(z), smoothing / L(len(z)))
    target[label] += 1 - L(smoothing)
    return -(target * np.log(softmax(z))).sum() * (1 if weights is None else L(weights[label]))


def focal(z, label, q, gamma=2, weights=None):
    p = softmax(z)
    rest = np.delete(p, label).sum()
    log_p = np.log1p(-rest) if rest < 0.5 else z[label] - z.max() - np.log(np.exp(z - z.max()).sum())
    return -rest**L(gamma) * log_p * (1 if weights is None else L(weights[label]))


def hinge(z, label, q, margin=1, worst=False, squared=False):
    v = np.delete(np.maximum(0, margin + z - z[label]), label)
    v = v * v if squared else v
    return v.max() if worst else v.sum()


def binary(z, label, y, smoothing=0, weight=1):
    y = (1 - L(smoothing)) * y + L(smoothing) / 2
    return (weight * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)).mean()


W = [0.5, 2, 1, 0, 3]
losses = [
    ("cross_entropy", {}, 0, cross_entropy),
    ("cross_entropy", {"label_smoothing": 0.1}, 1, lambda z, l, y: cross_entropy(z, l, y, L("0.1"))),
    ("cross_entropy", {"label_smoothing": 0.1}, 0, cross_entropy),
    ("cross_entropy", {"class_weights": "[0.5,2,1,0,3]"}, 1, lambda z, l, y: cross_entropy(z, l, y, 0, W)),
    ("cross_entropy", {"class_weights": "[0.5,2,1,0,3]"}, 0, cross_entropy),
    ("focal", {}, 0, focal), ("focal", {"gamma": 0.5}, 0, lambda z, l, y: focal(z, l, y, 0.5)),
    ("focal", {"gamma": 0}, 0, cross_entropy),
    ("focal", {"class_weights": "[0.5,2,1,0,3]"}, 1, lambda z, l, y: focal(z, l, y, 2, W)),
    ("hinge", {}, 0, hinge),
    ("hinge", {"margin": 0.3, "over": "worst"}, 0, lambda z, l, y: hinge(z, l, y, L("0.3"), True)),
    ("hinge", {"squared": "true"}, 0, lambda z, l, y: hinge(z, l, y, 1, False, True)),
    ("binary_cross_entropy", {}, 0, binary),
    ("binary_cross_entropy", {"label_smoothing": 0.2, "positive_weight": 3}, 1,
     lambda z, l, y: binary(z, l, y, L("0.2"), 3)),
    ("binary_cross_entropy", {"label_smoothing": 0.2, "positive_weight": 3}, 0, binary),
]
for kind in ("identity", "softmax", "sigmoid"):
    losses += [("mse", {"output": kind}, 0, lambda z, l, y, k=kind: ((through(k, z) - y)**2).mean()),
               ("mae", {"output": kind}, 0, lambda z, l, y, k=kind: np.abs(through(k, z) - y).mean()),
               ("huber", {"output": kind, "delta": 0.4}, 0,
                lambda z, l, y, k=kind: huber(through(k, z) - y, L("0.4")).mean())]
losses.append(("mse", {}, 0, lambda z, l, y: ((through("softmax", z) - y)**2).mean()))
surrogates = [("mse", {"output": kind, "jacobian": "false"}, 0, kind) for kind in ("identity", "softmax", "sigmoid")]

K = 5
cases = [(rng.normal(size=K) * size, label) for size, label in
         ((0.1, 0), (1, 1), (1, 4), (3, 2), (3, 3), (8, 0), (8, 4), (30, 1))]
cases += [(np.array([20., -3, 1, 0, 2]), 0), (np.array([-20., 3, 1, 0, 2]), 0)]
cases = [(np.float32(z), label) for z, label in cases]
for name, parameters, training, f in losses + surrogates:
    line("loss", name, len(cases), K, training, *options(parameters))
    for number, (z32, label) in enumerate(cases):
        z = z32.astype(L)
        one_hot = np.eye(K)[label]
        y = one_hot if name != "binary_cross_entropy" or number % 2 else np.round(np.abs(np.sin(z32.astype(float) * 9)))
        y = y.astype(L)
        if isinstance(f, str):
            o = through(f, z)
            value, gradient = ((o - y)**2).mean(), 2 * (o - y)
        else:
            value = f(z, label, y)
            gradient = np.zeros(K, L)
            for j in range(K):
                d = np.zeros(K, L)
                d[j] = step
                near, far = f(z + d, label, y) - f(z - d, label, y), f(z + 2 * d, label, y) - f(z - 2 * d, label, y)
                gradient[j] = (8 * near - far) / (12 * step)
        line(label, *map(float, z), *map(float, y), float(value), *map(float, gradient))

# ---- schedules: the whole curve and two steps beyond ----
def time(per, step, epoch):
    return step if per == "step" else step // epoch


def part(per, step, steps, epoch):
    return min(1.0, (step if per == "step" else step // epoch * epoch) / steps)


def mix(a, b, u):
    return a + (b - a) * u


def half_wave(a, b, u):
    return b + (a - b) * 0.5 * (1 + math.cos(math.pi * u))


def restarts(rate, final, cycles, growth, u):
    if u >= 1:
        return final
    lengths = [growth**c for c in range(cycles)]
    begin, total = 0.0, sum(lengths)
    for cycle, length in enumerate(lengths):
        if u * total < begin + length or cycle == cycles - 1:
            return half_wave(rate, final, (u * total - begin) / length)
        begin += length


def one_cycle(u, ramp, rate=0.5, rise=0.3, start=0.04, final=4e-6):
    return ramp(start * rate, rate, u / rise) if u < rise else ramp(rate, final * rate, (u - rise) / (1 - rise))


def wsd(u, shape, warmup, decay, rate=0.5, final=0.0):
    if u < warmup:
        return rate * u / warmup
    if u <= 1 - decay:
        return rate
    v = min(1, (u - (1 - decay)) / decay)
    return {"linear": mix(rate, final, v), "cosine": half_wave(rate, final, v),
            "sqrt": rate + (final - rate) * math.sqrt(v)}[shape]


schedules = [
    ("constant", {}, lambda s, n, e: 0.5),
    ("exponential", {"decay": 0.9}, lambda s, n, e: 0.5 * 0.9**(s // e)),
    ("exponential", {"decay": 0.9, "per": "step"}, lambda s, n, e: 0.5 * 0.9**s),
    ("step", {"every": 2}, lambda s, n, e: 0.5 * 0.1**(s // e // 2)),
    ("step", {"every": 3, "decay": 0.5, "per": "step"}, lambda s, n, e: 0.5 * 0.5**(s // 3)),
    ("multi_step", {"at": "[1,3]"}, lambda s, n, e: 0.5 * 0.1**((s // e >= 1) + (s // e >= 3))),
    ("multi_step", {"at": "[2,9,10]", "decay": 0.5, "per": "step"},
     lambda s, n, e: 0.5 * 0.5**sum(s >= a for a in (2, 9, 10))),
    ("polynomial", {}, lambda s, n, e: 0.5 * (1 - part("step", s, n, e))**2),
    ("polynomial", {"final": 0.1, "power": 0.5, "per": "epoch"},
     lambda s, n, e: 0.1 + 0.4 * (1 - part("epoch", s, n, e))**0.5),
    ("linear", {}, lambda s, n, e: 0.5 * (1 - part("step", s, n, e))),
    ("linear", {"final": 0.8, "per": "epoch"}, lambda s, n, e: mix(0.5, 0.8, part("epoch", s, n, e))),
    ("cosine", {}, lambda s, n, e: half_wave(0.5, 0, part("step", s, n, e))),
    ("cosine", {"final": 0.1, "cycles": 3}, lambda s, n, e: restarts(0.5, 0.1, 3, 1, part("step", s, n, e))),
    ("cosine", {"cycles": 3, "growth": 2}, lambda s, n, e: restarts(0.5, 0, 3, 2, part("step", s, n, e))),
    ("cosine", {"per": "epoch"}, lambda s, n, e: half_wave(0.5, 0, part("epoch", s, n, e))),
    ("inverse_sqrt", {}, lambda s, n, e: 0.5 / math.sqrt(max(s, 1))),
    ("inverse_sqrt", {"hold": 4}, lambda s, n, e: 0.5 * math.sqrt(4 / max(s, 4))),
    ("inverse_sqrt", {"per": "epoch"}, lambda s, n, e: 0.5 / math.sqrt(max(s // e, 1))),
    ("one_cycle", {}, lambda s, n, e: one_cycle(part("step", s, n, e), half_wave)),
    ("one_cycle", {"rise": 0.5, "start": 0.1, "final": 0.2, "shape": "linear"},
     lambda s, n, e: one_cycle(part("step", s, n, e), mix, rise=0.5, start=0.1, final=0.2)),
    ("wsd", {}, lambda s, n, e: wsd(part("step", s, n, e), "linear", 0, 0.2)),
    ("wsd", {"warmup": 0.25, "decay": 0.5, "shape": "cosine", "final": 0.05},
     lambda s, n, e: wsd(part("step", s, n, e), "cosine", 0.25, 0.5, final=0.05)),
    ("wsd", {"decay": 0.6, "shape": "sqrt"}, lambda s, n, e: wsd(part("step", s, n, e), "sqrt", 0, 0.6)),
]
for name, parameters, f in schedules:
    for steps, epoch in ((28, 4), (21, 8)):
        line("schedule", name, steps, epoch, *options({"rate": 0.5, **parameters}))
        line(*(float(f(s, steps, epoch)) for s in range(steps + 2)))


# ---- optimizers: weights; ten rows of rate, gradients, weights after it ----
class Momentum:
    def __init__(self, mu=0.9, nesterov=False, wd=0, decoupled=False):
        self.mu, self.nesterov, self.wd, self.decoupled, self.v = mu, nesterov, wd, decoupled, 0

    def step(self, t, lr, w, g):
        shrink = lr * self.wd * w if self.decoupled else 0
        g = g if self.decoupled else g + self.wd * w
        self.v = self.mu * self.v + g
        return w - shrink - lr * (g + self.mu * self.v if self.nesterov else self.v)


class Sgd:
    def __init__(self, wd=0):
        self.wd = wd

    def step(self, t, lr, w, g):
        return w - lr * g - lr * self.wd * w


class Adagrad:
    def __init__(self, eps=1e-10, wd=0):
        self.eps, self.wd, self.s = eps, wd, 0

    def step(self, t, lr, w, g):
        g = g + self.wd * w
        self.s = self.s + g**2
        return w - lr * g / (np.sqrt(self.s) + self.eps)


class RmsProp:
    def __init__(self, rho=0.99, mu=0, eps=1e-8, wd=0, decoupled=False):
        self.rho, self.mu, self.eps, self.wd, self.decoupled, self.s, self.v = rho, mu, eps, wd, decoupled, 0, 0

    def step(self, t, lr, w, g):
        shrink = lr * self.wd * w if self.decoupled else 0
        g = g if self.decoupled else g + self.wd * w
        self.s = self.rho * self.s + (1 - self.rho) * g**2
        self.v = self.mu * self.v + g / (np.sqrt(self.s) + self.eps)
        return w - shrink - lr * self.v


class Adam:
    def __init__(self, b1=0.9, b2=0.999, eps=1e-8, wd=0, decoupled=False):
        self.b1, self.b2, self.eps, self.wd, self.decoupled, self.m, self.v = b1, b2, eps, wd, decoupled, 0, 0

    def step(self, t, lr, w, g):
        shrink = lr * self.wd * w if self.decoupled else 0
        g = g if self.decoupled else g + self.wd * w
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g**2
        mh, vh = self.m / (1 - self.b1**(t + 1)), self.v / (1 - self.b2**(t + 1))
        return w - shrink - lr * mh / (np.sqrt(vh) + self.eps)


class Lion:
    def __init__(self, b1=0.9, b2=0.99, wd=0):
        self.b1, self.b2, self.wd, self.m = b1, b2, wd, 0

    def step(self, t, lr, w, g):
        u = np.sign(self.b1 * self.m + (1 - self.b1) * g)
        self.m = self.b2 * self.m + (1 - self.b2) * g
        return w - lr * (u + self.wd * w)


optimizers = [
    ("sgd", {}, 0, Sgd), ("sgd", {"weight_decay": 0.1}, 0, lambda: Sgd(0.1)), ("sgd", {"weight_decay": 0.1}, 1, Sgd),
    ("momentum", {}, 0, Momentum), ("momentum", {"momentum": 0.5, "nesterov": "true"}, 0, lambda: Momentum(0.5, True)),
    ("momentum", {"weight_decay": 0.2}, 0, lambda: Momentum(wd=0.2)), ("momentum", {"weight_decay": 0.2}, 1, Momentum),
    ("momentum", {"weight_decay": 0.2, "decay": "decoupled", "nesterov": "true"}, 0,
     lambda: Momentum(0.9, True, 0.2, True)),
    ("adagrad", {}, 0, Adagrad), ("adagrad", {"epsilon": 0.01, "weight_decay": 0.3}, 0, lambda: Adagrad(0.01, 0.3)),
    ("rmsprop", {}, 0, RmsProp), ("rmsprop", {"smoothing": 0.9, "momentum": 0.8}, 0, lambda: RmsProp(0.9, 0.8)),
    ("rmsprop", {"weight_decay": 0.3, "decay": "decoupled"}, 0, lambda: RmsProp(wd=0.3, decoupled=True)),
    ("adam", {}, 0, Adam), ("adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 0.01}, 0, lambda: Adam(0.5, 0.9, 0.01)),
    ("adam", {"weight_decay": 0.3}, 0, lambda: Adam(wd=0.3)), ("adam", {"weight_decay": 0.3}, 1, Adam),
    ("adamw", {}, 0, lambda: Adam(wd=0.01, decoupled=True)),
    ("adamw", {"weight_decay": 0.3}, 0, lambda: Adam(wd=0.3, decoupled=True)),
    ("adamw", {"weight_decay": 0.3}, 1, Adam),
    ("lion", {}, 0, Lion), ("lion", {"beta1": 0.5, "weight_decay": 0.3}, 0, lambda: Lion(0.5, wd=0.3)),
]
N = 7
first = np.float32(rng.normal(size=N))
gradients = np.float32(rng.normal(size=(10, N)) * np.logspace(-3, 1, N))
gradients[3:6, 2] = 0
for name, parameters, bias, make in optimizers:
    line("optimizer", name, N, bias, *options(parameters))
    w, optimizer = first.astype(float), make()
    line(*map(float, first))
    for t in range(10):
        lr = 0.1 * 0.9**t
        w = optimizer.step(t, lr, w, gradients[t].astype(float))
        line(lr, *map(float, gradients[t]), *w)
