"""What nobody asks for and has to be done, by one web process at a time.

housekeeping  the thread that does all of it, over and over
reconciler    open jobs without a ticket
lacks         whether Redis lacks something of the journal
restore       what Redis has lost, from the journal
retention     what is old enough to go
expiring      what goes at a time of its own
removal       the parts of what was deleted
adopt         what is nobody's, by a command
"""
