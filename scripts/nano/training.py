"""The three phases, checkpoints, and the export.

    vision   the vision tower alone learns what every cell shows: kind, color, place from the left
    answers  the whole model learns to answer, five questions an image, with the cells as a second loss
    again    the same once more, from a third of the rate

Learning to answer from nothing learns colors and then stalls on shapes; after the first phase it does not.
The schedule is a fixed number of steps and every batch follows from the seed.
"""

import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import GenerationConfig, Qwen2_5_VLForConditionalGeneration

from scripts.nano import model as nano
from scripts.nano import pool
from scripts.nano.cells import IGNORE, Cells
from scripts.nano.colors import NAMES
from scripts.nano.optimizer import Muon
from scripts.nano.pool import CELL_PX, Batch
from scripts.nano.tokenizer import build_tokenizer, save_processor
from scripts.nano.world import MAX_SHAPES, SHAPES

log = logging.getLogger("nano")

#: Largest difference of logits at which the batched pass counts as equal to the stock one.
MAX_LOGIT_DIFFERENCE = 1e-4
CHECKPOINT_EVERY_STEPS = 100
LOG_EVERY_STEPS = 20


@dataclass(frozen=True)
class Phase:
    """How many steps of how many images, and how the learning rate goes, in shares of the full one."""

    name: str
    steps: int
    size: int
    branches: int
    warmup: int
    #: Share of the phase at the highest rate, and what part of that the rate falls to by its end.
    flat: float
    floor: float
    peak: float = 1.0

    def rate(self, step: int) -> float:
        """The learning rate's factor at a step."""
        decay = max(0.0, (step / self.steps - self.flat) / (1 - self.flat))
        falling = self.floor + (1 - self.floor) * (1 + math.cos(math.pi * decay)) / 2
        return self.peak * min(1.0, (step + 1) / self.warmup) * falling


@dataclass(frozen=True)
class Plan:
    """A whole run."""

    seed: int = 7
    vision_steps: int = 1700
    answer_steps: int = 2400
    again_steps: int = 2150
    #: AdamW's rate; Muon's is `muon_boost` times as large.
    rate: float = 2e-3
    muon_boost: float = 3.0
    cell_loss_weight: float = 0.3

    def phases(self) -> tuple[Phase, ...]:
        """The phases in order."""
        return (
            Phase("vision", self.vision_steps, size=48, branches=0, warmup=100, flat=0.3, floor=0.6),
            Phase("answers", self.answer_steps, size=32, branches=5, warmup=60, flat=0.1, floor=0.01),
            Phase("again", self.again_steps, size=32, branches=5, warmup=40, flat=0.0, floor=0.01, peak=0.35),
        )


class CellHead(nn.Linear):
    """Reads off each visual token what its cell shows; used in training only."""

    PARTS: ClassVar = {
        "what": len(SHAPES) + 1,
        "color": len(NAMES),
        "rank": MAX_SHAPES + 1,
        "background": len(NAMES),
        "count": MAX_SHAPES + 1,
    }
    WEIGHTS: ClassVar = {"what": 1.0, "color": 0.5, "rank": 0.5, "background": 0.3, "count": 0.3}

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden, sum(self.PARTS.values()))

    def loss(self, tokens: Tensor, cells: Cells) -> tuple[Tensor, float]:
        """The loss over tokens (batch, cells, hidden), and the share of shape cells whose shape is right."""
        outputs = self(F.rms_norm(tokens, (tokens.shape[-1],))).split(list(self.PARTS.values()), dim=-1)
        total = tokens.new_zeros(())
        for (name, weight), logits in zip(self.WEIGHTS.items(), outputs, strict=True):
            target = nano.tensor_of(getattr(cells, name))
            target = target[:, None].expand(tokens.shape[:2]) if target.ndim == 1 else target
            if (target != IGNORE).any():
                total = total + weight * F.cross_entropy(
                    logits.flatten(0, 1), target.flatten(), ignore_index=IGNORE
                )
        what = nano.tensor_of(cells.what)
        is_right = outputs[0].argmax(dim=-1) == what
        return total, is_right[what > 0].float().mean().item()


class Averages:
    """Smoothed numbers for the progress lines."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def add(self, **values: float) -> None:
        """Blend in the numbers of one step; not-a-number means "no value in this step"."""
        for name, value in values.items():
            if not math.isnan(value):
                self.values[name] = 0.97 * self.values.get(name, value) + 0.03 * value

    def __str__(self) -> str:
        return "  ".join(f"{name} {value:.4f}" for name, value in self.values.items())


class Trainer:
    """A run that can stop at any step and go on from its last checkpoint."""

    def __init__(self, plan: Plan, checkpoint: Path, *, drawers: int = 1) -> None:
        self.plan, self.checkpoint, self.drawers = plan, checkpoint, drawers
        torch.manual_seed(plan.seed)
        nano.use_fused_norms()
        self.model = Qwen2_5_VLForConditionalGeneration(nano.build_config())
        self.head = CellHead(self.model.config.text_config.hidden_size)
        self.optimizers = self._optimizers()
        self.phase_index, self.step = 0, 0

    def _parameters(self) -> list[Tensor]:
        return [*self.model.parameters(), *self.head.parameters()]

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        matrices = [
            param
            for name, param in self.model.named_parameters()
            if param.ndim == 2 and "embed_tokens" not in name
        ]
        inside = {id(param) for param in matrices}
        others = [param for param in self._parameters() if id(param) not in inside]
        muon = Muon(matrices, lr=self.plan.rate * self.plan.muon_boost)
        adam = torch.optim.AdamW(others, lr=self.plan.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        for optimizer in (muon, adam):
            for group in optimizer.param_groups:
                group["full_lr"] = group["lr"]
        return [muon, adam]

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "phase": self.phase_index,
            "step": self.step,
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        unfinished = self.checkpoint.with_suffix(".unfinished")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)

    def load(self) -> None:
        """Go on from the checkpoint."""
        state = torch.load(self.checkpoint, weights_only=True, map_location=torch.get_default_device())
        self.phase_index, self.step = state["phase"], state["step"]
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        log.info("resumed at phase %d, step %d", self.phase_index, self.step)

    # For so few tokens a row the plain kernel takes less time than those that save memory.
    @sdpa_kernel(SDPBackend.MATH)
    def run(self) -> None:
        """Train to the end of the plan."""
        self._check_shortcut()
        for index, phase in enumerate(self.plan.phases()):
            if index < self.phase_index:
                continue
            if index > self.phase_index:
                self.phase_index, self.step = index, 0
            self._run_phase(phase)
        self.save()

    def _check_shortcut(self) -> None:
        batch = pool.make_batch(pool.Order(self.plan.seed, "check", 0, size=3, branches=3))
        assert batch.texts is not None, "it was made with questions"
        difference = nano.max_logit_difference(self.model, nano.tensor_of(batch.pixels), batch.texts)
        log.info("largest logit difference between the batched and the stock pass: %.1e", difference)
        if difference > MAX_LOGIT_DIFFERENCE:
            raise RuntimeError(
                f"the batched pass is off by {difference:.1e}, at most {MAX_LOGIT_DIFFERENCE} is right"
            )

    def _run_phase(self, phase: Phase) -> None:
        self.model.train()
        averages, began, first = Averages(), time.monotonic(), self.step
        for batch in self._batches(phase):
            averages.add(**self._train_step(batch, phase.rate(self.step)))
            self.step += 1
            if self.step % LOG_EVERY_STEPS == 0 or self.step == phase.steps:
                per_step = (time.monotonic() - began) / (self.step - first)
                left = per_step * (phase.steps - self.step) / 60
                rest = f"{per_step:.2f} s a step, {left:.1f} min left in phase"
                log.info("%s %d/%d  %s  %s", phase.name, self.step, phase.steps, averages, rest)
            if self.step % CHECKPOINT_EVERY_STEPS == 0:
                self.save()

    def _batches(self, phase: Phase) -> Iterable[Batch]:
        return pool.batches(
            self.plan.seed,
            phase.name,
            start=self.step,
            stop=phase.steps,
            size=phase.size,
            branches=phase.branches,
            drawers=self.drawers,
        )

    def _train_step(self, batch: Batch, rate: float) -> dict[str, float]:
        pixels = nano.tensor_of(batch.pixels)
        tokens = nano.vision_tokens(self.model.model.visual, pixels)
        loss, shape_accuracy = self.head.loss(tokens, batch.cells)
        numbers = {"cells": loss.item(), "shape": shape_accuracy}
        if batch.texts:
            grid = (pixels.shape[1] // CELL_PX, pixels.shape[2] // CELL_PX)
            logits, targets = nano.answer_logits(self.model, tokens, batch.texts, grid, is_rough=True)
            answer_loss = F.cross_entropy(logits, targets)
            loss = answer_loss + self.plan.cell_loss_weight * loss
            numbers["answers"] = answer_loss.item()
            numbers["token"] = (logits.argmax(dim=-1) == targets).float().mean().item()
        self._update(loss, rate)
        return numbers

    def _update(self, loss: Tensor, rate: float) -> None:
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([p for p in self._parameters() if p.grad is not None], 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * rate
            optimizer.step()

    def export(self, folder: Path) -> None:
        """Write the model folder as a stock one: bf16 weights, tokenizer, processor, greedy generation."""
        save_processor(folder)
        token = build_tokenizer().convert_tokens_to_ids
        exported = Qwen2_5_VLForConditionalGeneration(self.model.config)
        exported.load_state_dict(self.model.state_dict())
        exported.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=64,
            eos_token_id=[token("<|im_end|>"), token("<|endoftext|>")],
            pad_token_id=token("<|endoftext|>"),
        )
        exported.to(torch.bfloat16).save_pretrained(folder)
        (folder / "model.safetensors").chmod(0o644)  # saved as 0600, which another user could not read
        log.info("exported to %s", folder)
