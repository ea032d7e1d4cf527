"""``python -m auris`` is ``auris``."""

import sys

from auris.cli import main

sys.exit(main())
