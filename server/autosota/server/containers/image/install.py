"""Runs in the first stage of the build, as root, with the base's Python: makes the environment.

The environment sees the packages of the base. Debian's own Python refuses installations beside
its packages (PEP 668); in an environment they are nobody's but ours.
"""

import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = "/opt/autosota"

try:
    import venv
except ImportError:
    sys.exit("error: the base's Python has no module venv (on Debian: python3-venv)")

venv.create(PLACE, system_site_packages=True, with_pip=False, symlinks=True)
pins = os.path.join(HERE, "pins.txt")
if os.path.getsize(pins):
    (pip,) = glob.glob(os.path.join(HERE, "pip", "pip-*.whl"))
    words = [PLACE + "/bin/python", "-I", pip + "/pip", "install", "-r", pins]
    words += ["--no-index", "--find-links", os.path.join(HERE, "wheels"), "--no-cache-dir"]
    words += ["--no-input", "--progress-bar", "off", "--root-user-action", "ignore"]
    done = subprocess.run([*words, "--disable-pip-version-check"], check=False)
    if done.returncode:
        sys.exit(done.returncode)
shutil.copy(os.path.join(HERE, "finish.py"), PLACE)
