"""Makes the policy pack importable as it is when Pulumi runs it: from the project's folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
