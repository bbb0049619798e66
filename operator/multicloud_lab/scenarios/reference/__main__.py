"""`python -m multicloud_lab.scenarios.reference`: the careful client as a program."""

import sys

from multicloud_lab.scenarios.reference.serving import serve

if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
