#!/usr/bin/env python3
"""torch_worker.py THREADS nchw|nhwc

What PyTorch takes on the CPU, for bench_peers: a line for each command on standard input, a line for
each answer on standard output.

    conv forward|data|weights BATCH CHANNELS SIDE OUT KERNEL STRIDE    -> ok
    train|infer resnet20|resnet56|...|vgg16 BATCH                      -> ok
    round SECONDS                                                      -> MEDIAN LEAST (seconds)

A round repeats what the latest other command set up for that long, at least 3 times. Exit 77 when
PyTorch is not installed."""
import statistics
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    sys.exit(77)

MEMORY = torch.channels_last if sys.argv[2] == "nhwc" else torch.contiguous_format


class Block(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.new = channels - channels_in
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.new:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new // 2))
        return F.relu(y + x, inplace=True)


def unit(channels_in, channels):
    return [nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True)]


def resnet(blocks):
    layers, channels = unit(3, 16), 16
    for out in (16, 32, 64):
        for _ in range(blocks):
            layers.append(Block(channels, out, out // channels))
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def vgg16():
    layers, channels = [], 3
    for out, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += unit(channels, out)
            channels = out
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


def convolution(direction, batch, channels, side, out, kernel, stride):
    def random(*dims):
        return torch.randn(*dims).contiguous(memory_format=MEMORY)

    x, w = random(batch, channels, side, side), random(out, channels, kernel, kernel)
    pad = kernel // 2
    if direction == "forward":
        return lambda: F.conv2d(x, w, None, stride, pad)
    dy = random(*F.conv2d(x, w, None, stride, pad).shape)
    wanted = [direction == "data", direction == "weights", False]
    return lambda: torch.ops.aten.convolution_backward(
        dy, x, w, [0], [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, wanted)


def network(what, name, batch):
    net = vgg16() if name == "vgg16" else resnet(int(name[len("resnet"):]) // 6)
    net = net.to(memory_format=MEMORY).train(what == "train")
    x = torch.randn(batch, 3, 32, 32).contiguous(memory_format=MEMORY)
    labels = torch.randint(10, (batch,))
    sgd = torch.optim.SGD(net.parameters(), 1e-3, 0.9, weight_decay=1e-4)

    def train():
        with torch.enable_grad():
            sgd.zero_grad(set_to_none=True)
            F.cross_entropy(net(x), labels).backward()
        sgd.step()

    return train if what == "train" else lambda: net(x)


def measure(step, seconds):
    """As measure.c does it: the first run warms up, runs too short for the clock go together."""
    step()
    begun = time.perf_counter()
    step()
    once = time.perf_counter() - begun
    inner = int(2e-4 / once) + 1 if once < 2e-4 else 1
    times = []
    while len(times) < 3 or (sum(times) * inner < seconds and len(times) < 200):
        begun = time.perf_counter()
        for _ in range(inner):
            step()
        times.append((time.perf_counter() - begun) / inner)
    return statistics.median(times), min(times)


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    step = None
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "round":
            print(*measure(step, float(rest[0])), flush=True)
            continue
        step = None  # the memory first
        if command == "conv":
            step = convolution(rest[0], *map(int, rest[1:]))
        else:
            step = network(command, rest[0], int(rest[1]))
        print("ok", flush=True)


if __name__ == "__main__":
    main()
