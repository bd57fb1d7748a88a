"""Exported folders of networks that nobody trained: quick to make, and all that a folder has."""

from pathlib import Path

import torch
from torch import nn

from netwright.data.base import Data
from netwright.export import Card, export
from netwright.network.normalised import Deployment
from netwright.network.signature import Signature


def exported(data: Data, out: Path, network: nn.Module | None = None) -> Path:
    """A linear network with fresh weights, in the folder that a search would make of it."""
    sizes, outputs = data.signature.input.sizes, data.task.outputs[0].sizes[0]
    torch.manual_seed(0)
    features = int(torch.tensor(sizes).prod())
    network = network or nn.Sequential(nn.Flatten(), nn.Linear(features, outputs))
    signature = Signature(data.raw, data.task.outputs)
    after, task = data.task.deployed()
    made = Deployment(signature, data.normalise, (), 1, data.encoder, after)
    export(
        made.raw(network),
        out,
        signature=signature,
        card=Card("A network", data=data.settings),
        task=task,
        encoder=data.encoder,
        fresh=False,
    )
    return out
