"""MobileNetV2 as in arXiv:1801.04381, and the lines that make it searchable."""

import torch
from torch import nn

import netwright as nw


def conv_norm(inputs, outputs, kernel=1, stride=1, groups=1, act=True):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), *([nn.ReLU6(inplace=True)] if act else [])]


class InvertedResidual(nn.Module):
    """The block of MobileNetV2, arXiv:1801.04381, section 3.3."""

    def __init__(self, inputs, outputs, stride, ratio):
        super().__init__()
        inner = inputs * ratio
        self.adds = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *(conv_norm(inputs, inner) if ratio > 1 else []),
            *conv_norm(inner, inner, 3, stride, groups=inner),
            *conv_norm(inner, outputs, act=False),
        )

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """Table 2 of the paper."""

    STAGES = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(self, classes=1000):
        super().__init__()
        layers, inputs = conv_norm(3, 32, 3, 2), 32
        for ratio, outputs, count, stride in self.STAGES:
            for i in range(count):
                layers.append(InvertedResidual(inputs, outputs, 1 if i else stride, ratio))
                inputs = outputs
        self.features = nn.Sequential(*layers, *conv_norm(inputs, 1280))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


def searchable(example: tuple[int, ...] = (1, 3, 224, 224), classes: int = 1000) -> nw.Space:
    """The model as a space: every width, block, kernel and activation that can vary."""
    model = MobileNetV2(classes)  # with weights of your own: model.load_state_dict(...)
    return nw.convert(model, torch.zeros(example))
