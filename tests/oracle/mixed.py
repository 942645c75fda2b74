"""A model for descriptions: corpus/gen/torch_corpus.py saves it, describe.py has it described."""
import torch
from torch import nn


class Mixed(nn.Module):
    """Layers of every kind that a description tells apart, with the arguments that it has to find out."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2)), nn.BatchNorm2d(8, eps=1e-3), nn.ReLU(inplace=True),
                                  nn.MaxPool2d(2, ceil_mode=True), nn.Dropout(0.25))
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8, padding='same', bias=False, padding_mode='reflect')
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.one = nn.Conv1d(4, 6, 3, dilation=2)
        self.three = nn.Conv3d(1, 2, (1, 2, 3))
        self.table = nn.Embedding(40, 8, padding_idx=0)
        self.lstm = nn.LSTM(8, 6, 2, batch_first=True, dropout=0.1, bidirectional=True)
        self.gru = nn.GRU(8, 4, bias=False)
        self.rnn = nn.RNN(4, 3)
        self.attention = nn.MultiheadAttention(8, 2)
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.groups = nn.GroupNorm(2, 8)
        self.plain = nn.BatchNorm1d(5, affine=False, momentum=0.01)
        self.still = nn.InstanceNorm2d(4)
        self.head = nn.Linear(8, 2, bias=False)
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.PReLU(4), nn.LeakyReLU(0.2), nn.Softmax(dim=-1)])
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.register_buffer('ids', torch.arange(4))
        self.register_buffer('scale', torch.ones(3))
