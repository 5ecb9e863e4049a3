"""Inputs of every kind of wrong for the whole command, grown from a number, and the laws that each must hold.

`inputs` is one of them as a value, `chance` makes wrong out of right, `kinds` has a generator for each kind, `desk` the
folder and the server that they are laid on, `forking` the processes that are killed or run out of disk, `laws` what
must be true afterwards. `fuzz.py` beside this folder is the command.
"""
