"""``python -m mocap.cli`` is ``mocap``, where the program itself is not on the PATH."""

import sys

from mocap.cli import main

sys.exit(main())
