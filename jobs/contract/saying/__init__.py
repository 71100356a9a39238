"""What is said of an answer beyond its text.

lines     where the lines of an answer stand on its pages
logprobs  how likely the tokens of an answer were, as OpenAI's API says it
pieces    parts of answers, while they are said
several   what is shown of each image of a job that has several
"""
