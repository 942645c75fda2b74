"""The models of the PyTorch tutorials, as their authors write them: what the corpus, the recordings and the comparisons
with torch are made of."""
import torch
from torch import nn


class SimpleCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(16 * 14 * 14, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.conv1(x)))
        return self.fc(x.view(x.size(0), -1))


class SimpleLinearModel(nn.Module):
    def __init__(self, input_size=10, output_size=2):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)

    def forward(self, x):
        return self.linear(x)


class SimpleModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(10, 1)

    def forward(self, x):
        return self.linear(x)


class CustomLayer(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x):
        return torch.relu(self.linear(x))


class CustomModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = CustomLayer(10, 5)
        self.layer2 = nn.Linear(5, 2)

    def forward(self, x):
        return self.layer2(self.layer1(x))


class ComplexModel(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super().__init__()
        self.layer1 = nn.Linear(input_dim, hidden_dim)
        self.layer2 = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        return self.layer2(torch.relu(self.layer1(x)))
