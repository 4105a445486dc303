"""The SOAP optimizer (Vyas et al. 2024): Adam in the eigenbasis of Shampoo's preconditioner.

The networks are tiny and badly scaled: a SOAP step costs little more than an Adam step, and makes several times the
progress.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

MOMENTUM = 0.95
# Steps between two updates of the eigenbases. Measured: 1 and 50 give the same result as 10.
BASIS_UPDATE_STEPS = 10
_EPSILON = 1e-8


@dataclass(slots=True)
class _Group:
    """Optimizer state of all matrices that have the same shape, stacked as (matrices, out, in).

    left, right: moving means of G G' and G' G, where G is the gradient.
    left_basis, right_basis: their eigenvectors.
    first, second: first and second moments of the gradients; the second is in the eigenbasis.
    """

    left: Tensor
    right: Tensor
    left_basis: Tensor
    right_basis: Tensor
    first: Tensor
    second: Tensor


class Soap:
    """The SOAP optimizer for a list of matrices, which `step` changes in place."""

    def __init__(self, parameters: list[Tensor]) -> None:
        self._parameters = parameters
        self._shapes: dict[tuple[int, ...], list[int]] = {}
        for number, parameter in enumerate(parameters):
            self._shapes.setdefault(tuple(parameter.shape), []).append(number)
        self._groups: dict[tuple[int, ...], _Group] = {}
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: list[Tensor], rate: float) -> None:
        """Take one step. The first call only initialises the moments and changes no parameter."""
        for shape, numbers in self._shapes.items():
            gradient = torch.stack([gradients[number] for number in numbers])
            if shape not in self._groups:
                self._groups[shape] = _begin(gradient)
                continue
            updates = self._updates(self._groups[shape], gradient)
            for number, update in zip(numbers, updates, strict=True):
                self._parameters[number].sub_(rate * update)
        self._steps += 1

    def _updates(self, group: _Group, gradient: Tensor) -> Tensor:
        group.first.lerp_(gradient, 1.0 - MOMENTUM)
        rotated = group.left_basis.mT @ gradient @ group.right_basis
        group.second.lerp_(rotated * rotated, 1.0 - MOMENTUM)
        # Bias correction, because the moments start at zero (Kingma and Ba 2015).
        missing = 1.0 - MOMENTUM**self._steps
        first = group.left_basis.mT @ group.first @ group.right_basis / missing
        # Both means have the same weights, so the ratio is at most 1. It could be larger just after a basis update.
        step = (first / ((group.second / missing).sqrt() + _EPSILON)).clamp_(-1.0, 1.0)
        update = group.left_basis @ step @ group.right_basis.mT
        group.left.lerp_(gradient @ gradient.mT, 1.0 - MOMENTUM)
        group.right.lerp_(gradient.mT @ gradient, 1.0 - MOMENTUM)
        if self._steps % BASIS_UPDATE_STEPS == 0:
            group.left_basis, order = _renewed(group.left, group.left_basis)
            group.second = torch.take_along_dim(group.second, order[:, :, None], 1)
            group.right_basis, order = _renewed(group.right, group.right_basis)
            group.second = torch.take_along_dim(group.second, order[:, None, :], 2)
        return update


def _begin(gradient: Tensor) -> _Group:
    left, right = gradient @ gradient.mT, gradient.mT @ gradient
    left_basis, right_basis = (torch.linalg.eigh(moment.double())[1].to(gradient.dtype) for moment in (left, right))
    return _Group(left, right, left_basis, right_basis, torch.zeros_like(gradient), torch.zeros_like(gradient))


def _renewed(moment: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """Do one step of orthogonal iteration. Return the new basis, and the order in which the old one was sorted."""
    values = torch.diagonal(basis.mT @ moment @ basis, dim1=1, dim2=2)
    order = torch.sort(values, dim=1, descending=True, stable=True)[1]
    sorted_basis = torch.take_along_dim(basis, order[:, None, :], 2)
    return torch.linalg.qr(moment @ sorted_basis)[0], order
