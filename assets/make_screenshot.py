"""Make the README's picture: the lab of chapter 3, photographed by the browser tests on their way through it.

    python assets/make_screenshot.py

Needs what the browser tests need (the extras course and test, and a Chromium).
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TAKEN = HERE.parent / "build" / "screenshots" / "chapter-3-lab.png"
PICTURE = HERE / "chapter-3.png"


def main():
    TAKEN.unlink(missing_ok=True)
    walk = [sys.executable, "-m", "pytest", "-q", "-m", "slow", "tests/browser/test_chapter_3.py", "-k", "lab_follows"]
    status = subprocess.run(walk, cwd=HERE.parent).returncode
    if status or not TAKEN.exists():
        print("No picture was taken: the browser's walk did not pass (see above).", file=sys.stderr)
        return status or 1
    shutil.copyfile(TAKEN, PICTURE)
    print(f"{PICTURE.relative_to(HERE.parent)} is new.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
