"""Every error this service raises on purpose, as one hierarchy.

An error names its cause and the mend. It never carries a secret, message text, or another tenant's data,
so its message may be logged and sent to the client that caused it.
"""

from typing import Any


class AnalyticsError(Exception):
    """Root of the hierarchy. `code` is stable and machine-readable; `str(error)` is for people."""

    code = "internal"

    def __init__(self, message: str, *, detail: Any = None) -> None:
        super().__init__(message)
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        # Ray moves errors between processes by pickle; the default forgets keyword arguments.
        return (_rebuild, (type(self), str(self), self.detail))


def of_code(code: str) -> type[AnalyticsError]:
    """The class of errors that has this code."""
    kinds = [AnalyticsError]
    for kind in kinds:
        if kind.code == code:
            return kind
        kinds.extend(kind.__subclasses__())
    raise ValueError(f"No error has the code {code}.")


def _rebuild(kind: type[AnalyticsError], message: str, detail: Any) -> AnalyticsError:
    return kind(message, detail=detail)


class SettingsError(AnalyticsError):
    """The environment asks for something that cannot be; the service does not start."""

    code = "settings"


class InvalidInput(AnalyticsError):
    """The caller sent something of the wrong shape; `detail` lists fields and reasons."""

    code = "invalid_input"


class UnknownCreator(InvalidInput):
    """The input is of another creator than the caller names; `detail` says which is likely."""

    code = "unknown_creator"


class InputTooLarge(InvalidInput):
    """The caller sent more than the configured limit."""

    code = "too_large"


class EncodedBody(InvalidInput):
    """The body is compressed, or encoded in another way: it could become any number of bytes."""

    code = "encoded_body"


class AmbiguousUser(InvalidInput):
    """The caller named a creator that several users hold, and did not say whose account is meant."""

    code = "ambiguous_user"


class AccountNeeded(InvalidInput):
    """The question is about more than the caller may see; `detail` names the accounts to ask about."""

    code = "account_needed"


class Unauthenticated(AnalyticsError):
    """The caller did not say who it is, or what it said does not hold (any more)."""

    code = "unauthenticated"


class Forbidden(AnalyticsError):
    """The caller is known and may not do this."""

    code = "forbidden"


class NotFound(AnalyticsError):
    """What the caller asked for is not there, or is nothing that the caller may know of."""

    code = "not_found"


class IllegalTransition(AnalyticsError):
    """The user actor's state machine was asked to do what its state forbids: a bug, never bad input."""

    code = "illegal_transition"


class Overloaded(AnalyticsError):
    """More waits than may; nothing was taken, send it again later."""

    code = "overloaded"
    retry_after = 1  # seconds


class TooManyAttempts(Overloaded):
    """Signing in failed too often by this name or from this address; wait before the next attempt."""

    code = "too_many_attempts"
    retry_after = 900  # seconds


class RateLimited(Overloaded):
    """The caller asked or sent more in a time than it may; `detail` is `{retry_after}`, in seconds."""

    code = "rate_limited"

    def __init__(self, message: str, *, detail: Any = None) -> None:
        super().__init__(message, detail=detail)
        if isinstance(detail, dict):
            self.retry_after = int(detail["retry_after"])


class TooManySockets(Overloaded):
    """The user or the caller has as many sockets open as may be."""

    code = "too_many_sockets"


class Unavailable(AnalyticsError):
    """A part the service stands on cannot be reached now; the same request may succeed later."""

    code = "unavailable"


class JournalUnavailable(Unavailable):
    """Redis did not take the input: it is not acknowledged, send it again."""

    code = "journal_unavailable"


class JournalGap(AnalyticsError):
    """Records that are needed are no longer in the journal, and no checkpoint that can be read has them."""

    code = "journal_gap"


class CheckpointError(AnalyticsError):
    """A checkpoint that cannot be read: damaged, or of a version that is not known."""

    code = "checkpoint"


class CheckpointUnavailable(Unavailable):
    """The storage of the checkpoints cannot be reached; the journal keeps what they would have."""

    code = "checkpoint_unavailable"


class StaleOwner(Unavailable):
    """This actor does not own the user any more: it must not write, and who called it asks the directory."""

    code = "stale_owner"


class KeyUnavailable(Unavailable):
    """A key that encrypts what is stored is missing, wrong or out of reach; what is stored stays as it is."""

    code = "key_unavailable"


class Undecryptable(AnalyticsError):
    """What is stored encrypted was changed, moved or cut."""

    code = "undecryptable"


class KeyDestroyed(Undecryptable):
    """The data key was destroyed by an erasure: nobody can read any more what it encrypts."""

    code = "key_destroyed"


class GraphError(AnalyticsError):
    """The graph refused a script; repeating it would not help."""

    code = "graph"


class QueryRefused(GraphError):
    """A script breaks a rule of the graph's home, which the message names; it was not sent."""

    code = "graph_query"


class GraphUnavailable(Unavailable):
    """The graph cannot be reached or is throttling; the batch is idempotent and may be sent again."""

    code = "graph_unavailable"


class EnrichmentError(AnalyticsError):
    """A model or rule failed on input it should have taken."""

    code = "enrichment"
