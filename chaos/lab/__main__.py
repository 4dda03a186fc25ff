"""The lab's supervisor process: `python -m chaos.lab DIRECTORY READY_FD LOCK_FD`.

Started by `chaos.lab.handle`, which also made the directory. Standard input is a pipe from the
owner, if the lab has one: the lab ends when the pipe does.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from chaos.lab.supervisor import Supervisor

if __name__ == "__main__":
    directory, ready, lock = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for descriptor in (ready, lock):
        os.set_inheritable(descriptor, False)
    has_owner = stat.S_ISFIFO(os.fstat(0).st_mode)
    status = Supervisor(directory, ready, has_owner=has_owner).run()
    sys.stderr.flush()
    os._exit(status)  # All is gone; the interpreter need not tidy up.
