"""`multicloud demo`: a real Kubernetes API, three emulated clouds, the operator as a process, and a story on them.

`command` reads the options, `play` puts everything up and takes it down, `story` says what happens, `screen` shows it.
The lab is only ever started as a program: the operator's code and the lab's know nothing of each other.
"""
