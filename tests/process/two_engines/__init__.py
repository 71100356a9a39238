"""The same jobs, cancels, deaths and stops through both engines that run a model: our own, and vLLM's."""
