"""The paper's networks as plain modules, with the state_dict names that init.file documents."""
import torch
from torch import nn

ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "silu": nn.functional.silu}


class Linear(nn.Module):
    def __init__(self, cell, shape, classes):
        super().__init__()
        self.fc = nn.Linear(shape.numel(), classes)

    def forward(self, x):
        return self.fc(x.flatten(1))


class Mlp(nn.Module):
    def __init__(self, cell, shape, classes):
        super().__init__()
        widths = [shape.numel(), *cell["model.hidden"], classes]
        self.depth = len(widths) - 1
        self.activate = ACTIVATIONS[cell["model.activation"]]
        for i in range(self.depth):
            setattr(self, f"fc{i + 1}", nn.Linear(widths[i], widths[i + 1]))

    def forward(self, x):
        x = x.flatten(1)
        for i in range(1, self.depth):
            x = self.activate(getattr(self, f"fc{i}")(x))
        return getattr(self, f"fc{self.depth}")(x)


class BasicBlock(nn.Module):
    def __init__(self, before, after, stride, activate):
        super().__init__()
        self.activate = activate
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.bn2(self.conv2(self.activate(self.bn1(self.conv1(x)))))
        return self.activate(y + self.shortcut(x))


class ResNet18(nn.Module):
    def __init__(self, cell, shape, classes):
        super().__init__()
        self.activate = ACTIVATIONS[cell["model.activation"]]
        self.conv1 = nn.Conv2d(shape[0], 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        before = 64
        for stage, width in enumerate((64, 128, 256, 512), start=1):
            blocks = [BasicBlock(before, width, 1 if stage == 1 else 2, self.activate),
                      BasicBlock(width, width, 1, self.activate)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            before = width
        self.linear = nn.Linear(512, classes)

    def forward(self, x):
        x = self.activate(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.linear(nn.functional.avg_pool2d(x, 4).flatten(1))


class Activation(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Vgg19(nn.Module):
    def __init__(self, cell, shape, classes):
        super().__init__()
        layers, before = [], shape[0]
        for width, repeats in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
            for _ in range(repeats):
                layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width),
                           Activation(ACTIVATIONS[cell["model.activation"]])]
                before = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(512, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


ARCHITECTURES = {"linear": Linear, "mlp": Mlp, "resnet18": ResNet18, "vgg19": Vgg19}


def make(cell, shape, classes):
    return ARCHITECTURES[cell["model.arch"]](cell, torch.Size(shape), classes).double()
