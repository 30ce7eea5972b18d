"""Becomes a program that does not outlive its parent: `launch.py SIGNAL PARENT UID GID PROGRAM ARGUMENT...`.

A script run by path rather than a function between fork and exec: the service has threads, with which such
a function may deadlock. It drops root first, since a change of credentials clears the parent-death signal.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    death_signal, parent, uid, gid = (int(argument) for argument in sys.argv[1:5])
    program = sys.argv[5:]
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was asked for
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 (no shell is the point)


if __name__ == "__main__":
    main()
