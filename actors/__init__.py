"""The pipeline's stages as Ray actors: each file hosts one, the supervisor keeps them all alive.

In: a `Plan`. Out: what each actor says of itself. Promised: an actor that is killed at any moment comes back and goes
on where its last durable effect ended; importing a host starts nothing.
Never: an event in a Ray call (NATS carries data), a decision about events.
"""
