"""How freely an answer is drawn, and at which texts it stops; as OpenAI's API says it.

Source: https://platform.openai.com/docs/api-reference/chat/create (`temperature`, `top_p`, `seed`, `stop`).
"""

from typing import Annotated

from pydantic import StringConstraints

#: Beyond it models say anything at all.
MOST_TEMPERATURE = 2
#: Numbers of 64 bits, and as far as programs round them that have no whole numbers so large.
LEAST_SEED, MOST_SEED = -9_223_372_036_854_776_000, 9_223_372_036_854_776_000
#: Stop texts of one job, and characters of each.
MOST_STOPS, _MOST_STOP_CHARS = 4, 256
StopText = Annotated[str, StringConstraints(min_length=1, max_length=_MOST_STOP_CHARS)]
