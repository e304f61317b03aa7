"""The mint's version, which also works in the uploaded function, where no package metadata exists."""

VERSION = "0.1.0"
