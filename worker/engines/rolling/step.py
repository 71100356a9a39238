"""New prompts, and one token more for every row that writes, in one pass of the decoder."""

from collections.abc import Sequence

import torch

from worker.engines.rolling.families.family import Family
from worker.engines.rolling.passing import Pass
from worker.engines.rolling.pool import Pool, Span
from worker.engines.rolling.rows import Prompt, Row


def step(
    family: Family, pool: Pool, rows: Sequence[Row], reading: Sequence[tuple[Span, Prompt]]
) -> torch.Tensor:
    """The logits after the last token of each row that writes, then after what is read of each prompt.

    Rows and prompts × vocabulary. Changes no row: a step that fails can be made again.
    """
    device, prompts = pool.device, [prompt for _, prompt in reading]
    mutual = [family.blocks(prompt) for prompt in prompts]
    now = Pass.of(pool, [row.last for row in rows], [span for span, _ in reading], mutual)
    last = [(row.generated[-1], row.next_position) for row in rows]
    tokens, positions = torch.tensor(last, dtype=torch.long, device=device).view(-1, 2).T
    return decode(family, now, tokens, positions, prompts)


def decode(
    family: Family, now: Pass, tokens: torch.Tensor, positions: torch.Tensor, prompts: Sequence[Prompt] = ()
) -> torch.Tensor:
    """The logits of a pass over the rows' last tokens, which are at their positions, and over prompts."""
    model = family.model
    hidden = model.get_decoder()(
        inputs_embeds=torch.cat(
            [model.get_input_embeddings()(tokens), *(prompt.embedded for prompt in prompts)]
        )[None],
        position_ids=family.position_ids(
            torch.cat([positions.expand(family.axes, -1), *(prompt.positions for prompt in prompts)], dim=1)
        ),
        attention_mask=now,
        cache=now,
        use_cache=True,
        **family.also(len(tokens), prompts),
    ).last_hidden_state
    logits: torch.Tensor = model.lm_head(hidden[0, now.last] if prompts else hidden[0])
    return logits
