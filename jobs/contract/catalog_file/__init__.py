"""The file in which people list models of their own (EVA01_CATALOG).

entry    what it may say of one model
catalog  all that it lists, and the models we know besides
reading  the file read, or refused in one line with the number of the line that is wrong
marked   YAML, with the line on which each value stands
"""
