"""The catalogue: every transformation, in a fixed order. Order has no meaning for ranking."""

from __future__ import annotations

from autosota.agents.ideator import named
from autosota.agents.ideator.for_sklearn import (
    boosting,
    ensembles,
    kernels,
    preprocessing,
    regularisation,
    replacements,
    trees,
)
from autosota.agents.ideator.for_sklearn import networks as perceptrons
from autosota.agents.ideator.for_torch import (
    augmentation,
    averaging,
    branches,
    criteria,
    gradients,
    layers,
    lightning,
    losses,
    optimizers,
    residual,
    schedules,
    sizes,
    starts,
    swaps,
    wrapping,
)
from autosota.agents.ideator.transformation import Transformation

CATALOGUE: tuple[Transformation, ...] = (
    *preprocessing.TRANSFORMATIONS,
    *replacements.TRANSFORMATIONS,
    *kernels.TRANSFORMATIONS,
    *ensembles.TRANSFORMATIONS,
    *regularisation.TRANSFORMATIONS,
    *trees.TRANSFORMATIONS,
    *boosting.TRANSFORMATIONS,
    *perceptrons.TRANSFORMATIONS,
    *optimizers.TRANSFORMATIONS,
    *schedules.TRANSFORMATIONS,
    *losses.TRANSFORMATIONS,
    *layers.TRANSFORMATIONS,
    *residual.TRANSFORMATIONS,
    *averaging.TRANSFORMATIONS,
    *augmentation.TRANSFORMATIONS,
    *sizes.TRANSFORMATIONS,
    *wrapping.TRANSFORMATIONS,
    *swaps.TRANSFORMATIONS,
    *starts.TRANSFORMATIONS,
    *branches.TRANSFORMATIONS,
    *gradients.TRANSFORMATIONS,
    *criteria.TRANSFORMATIONS,
    *lightning.TRANSFORMATIONS,
    *named.TRANSFORMATIONS,
)
