"""Raw tensors in physical units in, the signature's outputs out: one torch module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from stadion.core.dataset import Dataset
from stadion.train.network.answers import Answer, ClassAnswer, QuantityAnswer
from stadion.train.network.front import Front, Prepared
from stadion.train.network.impute import Impute
from stadion.train.network.settings import LoopSettings

__all__ = ["Body", "Network"]


class Body(nn.Module):
    """What a learner brings: prepared inputs in, `features` numbers per row out.

    Parameters
    ----------
    features
        Columns of the (n, features) tensor that `forward(prepared)` gives.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features


class Network(nn.Module):
    """Front, imputation, body and one answer per output of the signature, in its order."""

    def __init__(self, front: Front, body: Body, data: Dataset, settings: LoopSettings) -> None:
        super().__init__()
        self.front = front
        self.impute = Impute.fitted(settings.impute, front, data.signature, data.inputs)
        self.body = body
        self._answers = nn.ModuleList()
        for tensor in data.signature.outputs:
            kind = ClassAnswer if tensor.name in data.signature.labels else QuantityAnswer
            target = data.targets[tensor.name]
            self._answers.append(kind(tensor, body.features, target, settings))

    @property
    def answers(self) -> list[Answer]:
        """The last layers, one per output."""
        return [cast(Answer, answer) for answer in self._answers]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The outputs, in physical units or as probabilities."""
        raw = self.raw(self.front(*inputs))
        return tuple(
            answer.physical(value) for answer, value in zip(self.answers, raw, strict=True)
        )

    def raw(self, prepared: Prepared) -> list[Tensor]:
        """What the losses of the answers take."""
        features = self.body(self.impute(prepared))
        return [answer(features) for answer in self.answers]

    def loss(self, prepared: Prepared, targets: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Sums of the losses and of the weights of these rows, one of each per answer."""
        triples = zip(self.answers, self.raw(prepared), targets, strict=True)
        sums = [answer.loss(raw, target) for answer, raw, target in triples]
        return torch.stack([total for total, _ in sums]), torch.stack([w for _, w in sums])
