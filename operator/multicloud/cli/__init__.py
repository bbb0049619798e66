"""The command line: thin commands that compose stages and print. `__main__` calls `root`.

What is heavy (SDKs, kopf, the Kubernetes client, tables) is imported by the command that needs it, when it runs.
"""
