"""What a model said, made an answer.

said        the tokens that a model said to one prompt
answers     makes an answer of them
confidence  how sure it was
logprobs    how likely each token was, and what else might have stood there
aloud       says an answer piece by piece
beginning   what is certain of it by then
stops       texts at which an answer ends
thinking    how a model marks what it thinks before it answers
parting     what was thought, apart from the answer
vocabulary  the bytes of a model's tokens
"""
