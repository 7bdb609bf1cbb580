"""The tree of errors that rules and use cases raise.

An error names what is wrong by a stable `code`; only `runtime/problems` knows HTTP statuses, texts and GraphQL
extensions.
Nothing that a caller sent, and nothing personal, is ever put into one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One place of the input that is wrong.

    pointer  RFC 6901 JSON pointer into the body, or the name of the query parameter or header
    code     stable code, lower_snake_case
    detail   what to do, in English; holds nothing of the input
    """

    pointer: str
    code: str
    detail: str


class SlrtError(Exception):
    """Root of the tree. `code` is stable and documented at `/problems/{code}`."""

    code = "internal_error"

    def __init__(
        self, code: str | None = None, *, faults: tuple[Fault, ...] = (), retry_after_seconds: int | None = None
    ) -> None:
        self.code = code or type(self).code
        self.faults = faults
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.code)


class BadRequest(SlrtError):
    """Cannot be read, or a bad or unknown parameter, filter value or header."""

    code = "bad_request"


class Unauthenticated(SlrtError):
    """No token, or one that does not verify."""

    code = "token_invalid"


class Forbidden(SlrtError):
    """The token's scopes or the acting role do not allow the operation.

    scope  the scope that it takes, where that is what is missing
    """

    code = "forbidden"

    def __init__(self, code: str | None = None, *, faults: tuple[Fault, ...] = (), scope: str | None = None) -> None:
        super().__init__(code, faults=faults)
        self.scope = scope


class NotFound(SlrtError):
    """Absent, or outside the caller's scope: the two are never told apart."""

    code = "not_found"


class MethodNotAllowed(SlrtError):
    """The resource does not answer the method.

    allowed  methods that it does answer
    """

    code = "method_not_allowed"

    def __init__(self, code: str | None = None, *, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.allowed = allowed


class NotAcceptable(SlrtError):
    code = "not_acceptable"


class Conflict(SlrtError):
    """The state of the resource, or an equal one that exists, does not allow it.

    location       path of what the act left behind although it was refused, for instance a draft
    upload_offset  bytes of an upload that have arrived, where the request was for another place
    """

    code = "conflict"

    def __init__(
        self,
        code: str | None = None,
        *,
        faults: tuple[Fault, ...] = (),
        retry_after_seconds: int | None = None,
        location: str | None = None,
        upload_offset: int | None = None,
    ) -> None:
        super().__init__(code, faults=faults, retry_after_seconds=retry_after_seconds)
        self.location = location
        self.upload_offset = upload_offset


class PreconditionFailed(SlrtError):
    """The version that the caller named is not the current one.

    current_version  version of the resource now, or None where the caller may not know it
    """

    code = "version_stale"

    def __init__(self, code: str | None = None, *, current_version: int | None = None) -> None:
        super().__init__(code)
        self.current_version = current_version


class PreconditionRequired(SlrtError):
    code = "if_match_required"


class PayloadTooLarge(SlrtError):
    code = "payload_too_large"


class UnsupportedMediaType(SlrtError):
    code = "unsupported_media_type"


class Invalid(SlrtError):
    """Readable, but its content is wrong."""

    code = "content_invalid"

    @classmethod
    def at(cls, pointer: str, code: str, detail: str) -> "Invalid":
        """An error with one fault at `pointer`."""
        return cls(faults=(Fault(pointer, code, detail),))

    @classmethod
    def reference(cls, pointer: str) -> "Invalid":
        """A referenced id that is unknown or not visible: the same answer either way."""
        return cls.at(pointer, "reference_not_found", "No such resource in your scope.")


class TooManyRequests(SlrtError):
    code = "too_many_requests"


class Unavailable(SlrtError):
    """Cannot be served now; try again later."""

    code = "unavailable"


class OutOfScope(Forbidden):
    """A body names an area outside the caller's scope."""

    code = "area_out_of_scope"
