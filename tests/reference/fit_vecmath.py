#!/usr/bin/python3
"""Fits the polynomials of include/isoflop/vecmath.h and prints them as C constants.

Weighted minimax by Lawson's iteration on a Chebyshev grid. The coefficients are rounded to float32 one after another,
from the lowest power up, the others being fitted again each time, so that rounding costs almost nothing. Needs NumPy;
not needed to build or test.
"""
import math
import numpy as np


def lawson(design, target, weight, rounds=300):
    w = np.ones(len(target))
    best, best_error = None, np.inf
    for _ in range(rounds):
        s = np.sqrt(w) * weight
        c = np.linalg.lstsq(design * s[:, None], target * s, rcond=None)[0]
        error = np.abs((design @ c - target) * weight)
        if error.max() < best_error:
            best, best_error = c, error.max()
        w *= error + 1e-3 * error.max()
        w /= w.max()
    return best, best_error


def fit(name, function, powers, low, high, weight, kind=np.float32):
    """function(x) ~ sum of c[k] x^powers[k]; weight(x) times the error is what counts."""
    grid = (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)
    target, scale = function(grid), weight(grid)
    columns = [grid**p for p in powers]
    fixed = []
    for k in range(len(powers)):
        c, error = lawson(np.array(columns[k:]).T, target - sum(f * col for f, col in zip(fixed, columns)), scale)
        fixed.append(float(kind(c[0])))
    error = np.abs((sum(f * col for f, col in zip(fixed, columns)) - target) * scale).max()
    print(f"/* {name}: weighted error {error:.2g} */")
    for p, c in zip(powers, fixed):
        print(f"  x^{p}: {c.hex()}{'f' if kind is np.float32 else ''}  {c:.17g}")


def series(x, first, ratio):
    """Sums terms to convergence where the direct form would cancel."""
    total, term, k = np.zeros_like(x), first * np.ones_like(x), 0
    while k < 60:
        total += term
        term = term * ratio(k, x)
        k += 1
    return total


erf = np.vectorize(math.erf)
erfc = np.vectorize(math.erfc)
h = math.log(2) / 2 * 1.001
fit("(e^r - 1 - r) / r^2", lambda r: series(r, 0.5, lambda k, x: x / (k + 3)), range(5), -h, h,
    lambda r: r**2 * np.exp(-r))
fit("(log(1 + f) - f + f^2 / 2) / f^3",
    lambda f: np.where(np.abs(f) < 0.05, sum((-f)**k / (k + 3) for k in range(14)),
                       (np.log1p(f) - f + f * f / 2) / np.where(f == 0, 1, f)**3),
    range(9), math.sqrt(0.5) - 1, math.sqrt(2) - 1, lambda f: np.abs(f**3 / np.where(f == 0, 1, np.log1p(f))))
fit("erf(t) / t - 1 in s = t^2", lambda s: erf(np.sqrt(s)) / np.sqrt(s) - 1, range(7), 1e-12, 1.0,
    lambda s: np.sqrt(s) / erf(np.sqrt(s)))
fit("log erfc(t)", lambda t: np.log(erfc(t)), range(7), 0.99, 4.0, lambda t: erfc(t) / erf(t))
fit("(sin(r) / r - 1) / r^2 in s = r^2",
    lambda s: np.where(s < 0.3, sum((-1)**(k + 1) * s**k / float(math.factorial(2 * k + 3)) for k in range(12)),
    (np.sin(np.sqrt(s)) / np.sqrt(s) - 1) / s), range(6), 1e-9, (math.pi / 2 * 1.001)**2, lambda s: s, np.float64)


def tail(k):
    """Phi(-x) e^(x^2 / 2) at k = 1 / (1 + 0.265 x)"""
    x = (1 / k - 1) / 0.265
    return erfc(x / math.sqrt(2)) / 2 * np.exp(x * x / 2)


fit("Phi(-x) e^(x^2 / 2) in k = 1 / (1 + 0.265 x)", tail, range(1, 10), 1 / (1 + 0.265 * 13.2), 1 - 1e-12,
    lambda k: 1 / tail(k))
