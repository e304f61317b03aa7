"""Put what packages alone do not hold into the wheel.

`main.py` and `requirements.txt`, which `fullsend mint deploy` uploads, and the completion scripts of the shells.
Everything else about the build is in pyproject.toml.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

UPLOAD = Path("fullsend", "operate", "upload")
COMPLETION = {
    "share/bash-completion/completions": "deploy/completion/bash/fullsend",
    "share/zsh/site-functions": "deploy/completion/zsh/_fullsend",
    "share/fish/vendor_completions.d": "deploy/completion/fish/fullsend.fish",
}


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


# The image is built without the command line, and so without these files.
files = [(folder, [file]) for folder, file in COMPLETION.items() if Path(file).is_file()]
setup(cmdclass={"build_py": BuildWithUpload}, data_files=files)
