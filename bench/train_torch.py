#!/usr/bin/env python3
"""train_torch.py [--blocks N] [--batch N] [--threads N] [--seconds S]

The same ResNet, the same step and the same CSV as bench_train.c, by PyTorch on the CPU, in NCHW
and in NHWC (channels_last). Exit 77 when PyTorch is not installed."""
import argparse
import statistics
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError:
    print("train_torch.py: PyTorch is not installed", file=sys.stderr)
    sys.exit(77)


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


def resnet(blocks):
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    channels = 16
    for out in (16, 32, 64):
        for _ in range(blocks):
            layers.append(Block(channels, out, out // channels))
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def measure(step, seconds):
    """Times of single steps, as bench_train.c takes them."""
    step()
    step()
    times = []
    while len(times) < 7 or (sum(times) < seconds and len(times) < 1000):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    for layout, memory in (("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)):
        net = resnet(args.blocks).to(memory_format=memory)
        x = torch.randn(args.batch, 3, 32, 32).contiguous(memory_format=memory)
        labels = torch.randint(10, (args.batch,))
        sgd = torch.optim.SGD(net.parameters(), 1e-3, 0.9, weight_decay=1e-4)

        def train():
            sgd.zero_grad(set_to_none=True)
            F.cross_entropy(net(x), labels).backward()
            sgd.step()

        def infer():
            with torch.no_grad():
                net(x)

        for what, step in (("train", train), ("infer", infer)):
            net.train(what == "train")
            times = measure(step, args.seconds)
            median = statistics.median(times)
            print(f"{what},torch-{layout},{args.threads},resnet{6 * args.blocks + 2},"
                  f"{args.batch},{1e3 * median:.1f},{1e3 * min(times):.1f},"
                  f"{args.batch / median:.1f},{len(times)},,", flush=True)


if __name__ == "__main__":
    main()
