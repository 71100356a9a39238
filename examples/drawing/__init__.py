"""How the example images are drawn: a pen, and one file for each kind of picture."""
