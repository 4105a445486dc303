from __future__ import annotations

import torch
from nampedal.converter.slim.soap import Soap


def loss(parameters: list[torch.Tensor], scales: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    return sum((((p @ turn) * scales).square().sum() for p in parameters), torch.zeros(()))


def test_it_finds_the_bottom_of_a_narrow_valley_that_lies_askew() -> None:
    generator = torch.Generator().manual_seed(1)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    scales = torch.logspace(0, 2, 6)
    parameters = [torch.randn(4, 6, generator=generator).requires_grad_() for _ in range(2)]
    begin = float(loss(parameters, scales, turn).detach())
    soap = Soap(parameters)
    for step in range(300):
        gradients = torch.autograd.grad(loss(parameters, scales, turn), parameters)
        soap.step(list(gradients), 0.1 * (1.0 - step / 300))
    assert float(loss(parameters, scales, turn).detach()) < 1e-6 * begin


def test_the_first_step_only_looks() -> None:
    parameter = torch.ones(2, 3, requires_grad=True)
    Soap([parameter]).step([torch.ones(2, 3)], 0.5)
    assert torch.equal(parameter.detach(), torch.ones(2, 3))


def test_a_gradient_of_nothing_moves_nothing() -> None:
    parameter = torch.ones(2, 3, requires_grad=True)
    soap = Soap([parameter])
    for _ in range(25):
        soap.step([torch.zeros(2, 3)], 0.5)
    assert torch.equal(parameter.detach(), torch.ones(2, 3))
