"""The mint's version, in the one place that also works where no package metadata exists (the upload)."""

VERSION = "0.1.0"
