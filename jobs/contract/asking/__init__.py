"""What may be asked of a model beyond the question.

chat             turns, where what is asked is more than one question
fields           fields of an answer as people name them, and their schema
groups           which files make one job, told by their paths
order            a batch that is made of a file of requests, and that file
pages            which pages of a file make one job, and how those of a PDF are drawn
pixels           how many pixels of an image a model sees, where one may choose
resolution       whether a model reads at the resolution that is asked for
response_format  what an answer has to be, as OpenAI's API says it
sampling         how freely an answer is drawn, and at which texts it stops
"""
