"""Put the two other files that `fullsend mint deploy` uploads into the wheel: `main.py` and `requirements.txt`.

Everything else about the build is in pyproject.toml.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

UPLOAD = Path("fullsend", "operate", "upload")


class BuildWithUpload(build_py):
    """Copy the two files into the wheel; the source tree keeps one copy of each."""

    def run(self) -> None:
        """Build the packages, then copy."""
        super().run()
        if self.editable_mode or "fullsend.operate" not in self.packages:
            return
        target = Path(self.build_lib) / UPLOAD
        self.mkpath(str(target))
        for name in ("main.py", "requirements.txt"):
            self.copy_file(name, str(target / name))


setup(cmdclass={"build_py": BuildWithUpload})
