"""make_kernels.py - writes tests/golden/kernels.h: what PyTorch computes, for the unit tests

    python3 tests/golden/make_kernels.py > tests/golden/kernels.h

Inputs are small multiples of 1/8, exact in f32; results are of f64, printed with 17 digits.
Run again only when a case is added, never because a test fails.
"""

import numpy
import torch

SEED = 20240501


def c_array(kind, name, values):
    values = numpy.asarray(values).ravel()
    text = [repr(float(v)) if kind != "int32_t" else str(int(v)) for v in values]
    lines, line = [], "   "
    for item in text:
        if len(line) + len(item) > 86:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    lines.append(line)
    body = "\n".join(lines)
    print(f"static const {kind} {name}[] = {{\n{body}\n}};")


def eighths(rng, *shape):
    return torch.tensor(rng.integers(-16, 17, shape) / 8.0, dtype=torch.float64)


def batch_norm(rng):
    """NCHW (3, 2, 2, 2), ReLU after a residual, epsilon 1e-5, momentum 0.1."""
    x = eighths(rng, 3, 2, 2, 2).requires_grad_()
    residual = eighths(rng, 3, 2, 2, 2).requires_grad_()
    scale = eighths(rng, 2).abs().add(0.5).detach().requires_grad_()
    shift = eighths(rng, 2).abs().add(0.25).detach().requires_grad_()
    dy = eighths(rng, 3, 2, 2, 2)
    mean, variance = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    normal = torch.nn.functional.batch_norm(x, mean, variance, scale, shift, True, 0.1, 1e-5)
    before = normal + residual
    assert before.abs().min() > 1e-3, "an element sits on the kink: change the seed"
    y = torch.relu(before)
    y.backward(dy)
    for name, value in [
        ("x", x), ("residual", residual), ("scale", scale), ("shift", shift), ("dy", dy),
    ]:
        c_array("float", "bn_" + name, value.detach())
    for name, value in [
        ("y", y), ("running_mean", mean), ("running_variance", variance),
        ("dx", x.grad), ("dresidual", residual.grad), ("dscale", scale.grad),
        ("dshift", shift.grad),
    ]:
        c_array("double", "bn_" + name, value.detach())


def cross_entropy(rng):
    """(5, 4) logits, mean over the batch."""
    logits = eighths(rng, 5, 4).requires_grad_()
    labels = torch.tensor(rng.integers(0, 4, 5))
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    c_array("float", "ce_logits", logits.detach())
    c_array("int32_t", "ce_labels", labels)
    c_array("double", "ce_loss", loss.detach())
    c_array("double", "ce_dlogits", logits.grad)


def sgd(rng):
    """Three steps of lr 0.125, momentum 0.75, weight decay 0.0625; plain and Nesterov."""
    value = eighths(rng, 6)
    gradients = eighths(rng, 3, 6)
    c_array("float", "sgd_value", value)
    c_array("float", "sgd_gradients", gradients)
    for name, options in [
        ("plain", {"momentum": 0.0}),
        ("momentum", {"momentum": 0.75}),
        ("nesterov", {"momentum": 0.75, "nesterov": True}),
    ]:
        parameter = value.clone().requires_grad_()
        optimiser = torch.optim.SGD([parameter], lr=0.125, weight_decay=0.0625, **options)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimiser.step()
        c_array("double", "sgd_" + name, parameter.detach())


def adamw(rng):
    """Three steps of lr 0.125, betas 0.75 and 0.875, epsilon 0.0625, decay 0.25; then clipped."""
    value = eighths(rng, 6)
    gradients = eighths(rng, 3, 6)
    c_array("float", "adamw_value", value)
    c_array("float", "adamw_gradients", gradients)
    for name, clip in [("plain", None), ("clipped", 1.5)]:
        parameter = value.clone().requires_grad_()
        optimiser = torch.optim.AdamW([parameter], lr=0.125, betas=(0.75, 0.875), eps=0.0625,
                                      weight_decay=0.25)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            if clip:
                torch.nn.utils.clip_grad_norm_([parameter], clip)
            optimiser.step()
        c_array("double", "adamw_" + name, parameter.detach())


def main():
    rng = numpy.random.default_rng(SEED)
    print("/*")
    print(" * kernels.h - what PyTorch computes; written by make_kernels.py, do not edit")
    print(" *")
    print(f" * Seed {SEED}, NumPy {numpy.__version__}, PyTorch {torch.__version__}")
    print(" */\n/* clang-format off */")
    batch_norm(rng)
    cross_entropy(rng)
    sgd(rng)
    adamw(rng)


main()
