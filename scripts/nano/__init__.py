"""How the bundled `nano` model is made and measured.

Arrows point one way, bottom first:

    colors     the name of a color, and how unambiguous it is
    world      what stands in a scene, and where
    drawing    a scene as pixels
    cells      what each visual token shows
    questions  what can be asked of a scene, and the one right answer
    tokenizer  the text side of the model folder
    pool       batches drawn and tokenized ahead of the trainer
    model      the configuration, and a batched forward pass for training
    optimizer  Muon
    training   the two phases, checkpoints, the export
    others     scenes drawn by independent code, for measuring only
    evaluate   the thresholds that the model has to reach
"""
