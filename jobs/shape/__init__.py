"""What an answer has to look like: the schemas it is held to, and the table that answers make.

schemas    whether answers can be held to a schema; said at the door, with the keyword's name
parts      the schemas in a schema, and what reading them may cost
idle       keywords that ask for nothing, and are left out of what answers are held to
faults     where in a schema the fault is
ending     parts of a schema that no value with an end satisfies
days       formats of days and times as patterns, which know how long months are
grammar    a schema as the grammar that answers are held to, token by token
telling    what a model is told of it
columns    the typed columns that answers make, and their cells
spans      where the values of an answer stand in its text
satisfied  whether a value satisfies a schema
checked    an answer, once more: does it satisfy its schema?
apart      what strangers' schemas ask of libraries, by a process that may be killed
alone      that process
"""
