"""`tapio replay`: a capture through the whole pipeline, ending with its answer."""

from typing import Annotated

import typer

from tapio.cli.options import At, Format, Namespace, Output, Target, Uid
from tapio.cli.why import Confidence, Each, ExitZero, Since
from tapio.errors import Exit

File = Annotated[str, typer.Argument(metavar="FILE", help="The capture: JSON lines, plain or gzip; - is stdin.")]


def replay(
    file: File,
    target: Target = "",
    namespace: Namespace = "",
    at: At = "",
    since: Since = "",
    uid: Uid = "",
    min_confidence: Confidence = 0.0,
    each: Each = False,
    output: Format = Output.TEXT,
    exit_zero: ExitZero = False,
) -> int:
    """Play a capture through the whole pipeline and ask why.

    NATS, transforms, correlators and the API, with real actors. The pipeline is a private one, so that nothing but the
    capture is in it: the answer is that of `tapio why -f FILE`, byte for byte, but for coverage.live. Exits as
    `tapio why` does.
    """
    import msgspec

    from tapio.cli import asking, places
    from tapio.why import exit_code_of_each

    asked = places.question(target, namespace, uid=uid, at=at, since=since)
    asked = msgspec.structs.replace(asked, min_confidence=min_confidence)
    events = places.read(file)
    from tapio.cli import playing

    with playing.played(events) as api:
        answers = asking.why(places.Where(server=api), asked, each=each)
    print(asking.printed(answers, places.Where(file=file), each=each, as_json=output is Output.JSON))
    return Exit.DONE if exit_zero else exit_code_of_each(answers)
