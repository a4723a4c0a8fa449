"""``python -m mocap`` is ``mocap``."""

import sys

from mocap.cli import main

sys.exit(main())
