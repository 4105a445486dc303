"""Activation of a layer (with gating) and its derivative, in PyTorch."""

from __future__ import annotations

import torch
from nampedal.firmware.engine.network import Activation, ActivationKind, Gating, WaveNetLayer
from torch import Tensor


def activate(layer: WaveNetLayer, z: Tensor) -> tuple[Tensor, Tensor]:
    """Apply the layer's activation to the sums z (out, frames). Return (z for `differentiate`, output).

    z may be overwritten.
    """
    if layer.gating is Gating.OFF and layer.activation.kind is ActivationKind.TANH:
        # PyTorch's tanh takes ten times as long as its sigmoid.
        a = z.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0)
        return a, a
    return z, _gated(layer, z)


def differentiate(layer: WaveNetLayer, z: Tensor, a: Tensor, of_a: Tensor) -> Tensor:
    """Return the gradient with respect to the sums z. of_a: gradient with respect to the output a."""
    if layer.gating is Gating.OFF and layer.activation.kind is ActivationKind.TANH:
        of_z: Tensor = torch.ops.aten.tanh_backward(of_a, a)
        return of_z
    with torch.enable_grad():
        again = z.detach().requires_grad_()
        (of_z,) = torch.autograd.grad(_gated(layer, again), again, of_a)
    return of_z


def _gated(layer: WaveNetLayer, z: Tensor) -> Tensor:
    if layer.gating is Gating.OFF:
        return _shaped(layer.activation, z)
    assert layer.secondary is not None
    primary, secondary = z.chunk(2)
    a, gate = _shaped(layer.activation, primary), _shaped(layer.secondary, secondary)
    return a * gate if layer.gating is Gating.GATED else gate * a + (1.0 - gate) * primary


def _shaped(activation: Activation, z: Tensor) -> Tensor:
    f = torch.nn.functional
    match activation.kind:
        case ActivationKind.TANH | ActivationKind.FAST_TANH:
            return torch.sigmoid(2.0 * z) * 2.0 - 1.0
        case ActivationKind.HARD_TANH:
            return f.hardtanh(z)
        case ActivationKind.RELU:
            return f.relu(z)
        case ActivationKind.LEAKY_RELU:
            return f.leaky_relu(z, activation.parameters[0])
        case ActivationKind.PRELU:
            slopes = torch.tensor(activation.parameters, dtype=z.dtype, device=z.device)[:, None]
            return torch.where(z > 0.0, z, slopes * z)
        case ActivationKind.SIGMOID:
            return torch.sigmoid(z)
        case ActivationKind.SILU:
            return f.silu(z)
        case ActivationKind.HARD_SWISH:
            return f.hardswish(z)
        case ActivationKind.SOFTSIGN:
            return f.softsign(z)
        case ActivationKind.SOFTSIGMOID:
            return 0.5 * (1.0 + f.softsign(z))
        case ActivationKind.LEAKY_HARD_TANH:
            low, high, low_slope, high_slope = activation.parameters
            inside = z.clamp(low, high)
            return inside + low_slope * (z - inside).clamp(max=0.0) + high_slope * (z - inside).clamp(min=0.0)
