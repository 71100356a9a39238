"""What trains `nano` sees what a worker sees."""

import pytest
import torch
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRMSNorm

from scripts.nano import model as nano
from scripts.nano import pool
from scripts.nano.training import MAX_LOGIT_DIFFERENCE, Plan, Trainer

pytestmark = pytest.mark.process


def test_questions_that_share_an_image_are_answered_as_if_each_were_alone(tmp_path, monkeypatch):
    # The trainer puts another in its place; the other tests of this process are to have the stock one.
    monkeypatch.setattr(Qwen2_5_VLRMSNorm, "forward", Qwen2_5_VLRMSNorm.forward)
    trainer = Trainer(Plan(), tmp_path / "checkpoint.pt")
    batch = pool.make_batch(pool.Order(seed=1, phase="test", index=0, size=3, branches=4))
    assert batch.texts
    difference = nano.max_logit_difference(trainer.model, torch.from_numpy(batch.pixels), batch.texts)
    assert difference < MAX_LOGIT_DIFFERENCE
