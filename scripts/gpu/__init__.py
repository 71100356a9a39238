"""All that only a GPU shows, in one command of at most eight minutes, without a network and without files.

shapes     models of the shape of real ones, with random weights that are made on the device
subject    the model that is measured, and jobs for it
parts      runs one part after the other within its time, whatever becomes of the others
measures   how fast it is, a function a part
checks     what has to hold on a device, a function a part

`python -m scripts.gpu --write` measures a random 7B on a GPU; with `--model miniature --seconds 20` a CPU
shows whether the command works.
"""
