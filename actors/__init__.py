"""The pipeline's stages as Ray actors: each file hosts one, the supervisor keeps them all alive.

In: a `Plan`. Out: what each actor says of itself. Promised: an actor that is killed at any moment comes back and goes
on where its last durable effect ended; importing a host starts nothing.
Never: an event in a Ray call (NATS carries data), a decision about events.
"""

import os

# Ray reads its authentication mode once, when it is first imported, which is below this line. Token authentication is
# what every cluster started here uses; a cluster without it is joined with RAY_AUTH_MODE=disabled.
os.environ.setdefault("RAY_AUTH_MODE", "token")
# Its dashboard is ten processes that load Python; Ray itself waits a minute for them, which two busy cores may need.
os.environ.setdefault("RAY_DASHBOARD_STARTUP_TIMEOUT_S", "300")
