"""How fast the whole is beside what it could be at best, and beside others: `scripts/bench`.

options   how much is measured
found     what a work found
machine   the machine, its versions and its load
page      the table of docs/benchmarks.md, and the file that it is made of
plot      how far each number is from its bar, as a picture
house     Redis, web and workers, as processes
pictures  folders of images
weights   a folder with a model of random weights
tasks     what is asked of that model
asking    a client that asks any server of OpenAI's API
loops     processes that answer without a server
bare      the engine alone, which the whole is compared with
works     what is measured: a file a work
peers     others that do the same, each in an environment of its own
"""
