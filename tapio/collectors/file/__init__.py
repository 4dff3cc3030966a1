"""Files as a source: raw events as JSON lines, read whole and written; and what kubectl writes of a cluster.

In: a path, a folder, or standard input; plain or gzip. Out: `Capture`: the events as they were, and what could not be
read.
Promised: what a line says is kept verbatim; only a root owner and changes are added, where absent.
Never: a failure of the whole because of one line.
"""

from tapio.collectors.file.capture import Capture, Problem, load
from tapio.collectors.file.writing import write_capture

__all__ = ["Capture", "Problem", "load", "write_capture"]
