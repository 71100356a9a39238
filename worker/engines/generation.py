"""How a model generates: what its makers' generation_config.json says, as far as answers here follow it.

Every answer is the likeliest, one for a question, and as long as was asked for. Whoever asks says how tokens
are drawn and where answers end; what the makers say of that would break the one, and differ between batches.
"""

from typing import Any

#: Settings of transformers' GenerationConfig, and what they are instead of the makers' value.
_OURS: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "num_return_sequences": 1,
    "return_dict_in_generate": False,
    # It would put an end token after an answer that is cut, which would then look whole.
    "forced_eos_token_id": None,
}
#: Those that mean nothing then, or that each request says for itself.
_NOBODYS = (
    *("temperature", "top_p", "top_k", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff"),
    *("num_beam_groups", "diversity_penalty", "length_penalty", "early_stopping", "constraints"),
    *("force_words_ids", "penalty_alpha", "dola_layers", "prompt_lookup_num_tokens", "watermarking_config"),
    # Of static batches alone; some of them need packages, a GPU, or what `generate` is not given here.
    *("cache_implementation", "cache_config", "token_healing", "is_assistant", "assistant_early_exit"),
    *("max_length", "max_new_tokens", "max_time", "stop_strings"),
)
#: Those that change which tokens are said, and that nobody but `generate` heeds.
HEEDED_BY_GENERATE = (
    *("no_repeat_ngram_size", "encoder_repetition_penalty", "bad_words_ids", "sequence_bias"),
    *("suppress_tokens", "begin_suppress_tokens", "forced_bos_token_id", "min_length", "min_new_tokens"),
    *("exponential_decay_length_penalty", "guidance_scale"),
)


def settle(config: Any, tokenizer: Any) -> tuple[str, ...]:
    """Make a GenerationConfig ours; gives the texts at which its makers have answers end."""
    stops = getattr(config, "stop_strings", None) or ()
    for name, value in (_OURS | dict.fromkeys(_NOBODYS)).items():
        # What this transformers does not have in it stays so.
        if hasattr(config, name):
            setattr(config, name, value)
    if config.pad_token_id is None:
        config.pad_token_id = tokenizer.pad_token_id
    if config.eos_token_id is None:
        config.eos_token_id = tokenizer.eos_token_id
    texts = (stops,) if isinstance(stops, str) else tuple(stops)
    # An empty one would end every answer at its first token.
    return tuple(filter(None, texts))
