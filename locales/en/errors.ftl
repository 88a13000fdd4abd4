# Errors: one sentence per code.
error-validation-error = Some values are not valid.
error-malformed-json = The body of the request is not valid JSON in UTF-8.
error-bad-request = The request is malformed.
error-not-acceptable = None of the formats you accept is available.
error-unauthenticated = You must sign in to do this.
error-forbidden = You are not allowed to do this.
error-feature-disabled = This feature is not enabled.
error-not-found = There is no such resource.
error-method-not-allowed = This method is not allowed here.
error-timeout = The request did not arrive in time.
error-conflict = The data was changed by another user. Please reload.
error-edit-window-closed = This message can no longer be changed.
error-invalid-binding = The subscription { $binding } is not valid: { $why }.
error-not-numbered = Nothing is kept on this topic, so a broadcast cannot be persisted there.
error-payload-too-large = The body of the request is too large.
error-unsupported-media-type = This type of content is not accepted.
error-precondition-required = Say which version the change is based on (updated_at or If-Match).
error-idempotency-mismatch = This idempotency key was already used for another request.
error-rate-limited = Too many requests. Try again in a moment.
error-unavailable = The service is not available right now. Try again in a moment.
error-internal = Something went wrong on our side. Try again; if it persists, quote the request id.

# Faults: one sentence per wrong value.
fault-missing = This value is required.
fault-unknown-field = There is no such field.
fault-duplicate = This value can be given only once.
fault-wrong-type = This value is not of the expected type.
fault-invalid = This value is not valid.
fault-unknown-value = This value is not one of the allowed values.
fault-nul = This value contains a forbidden character (U+0000).
fault-too-deep = This document is nested too deeply.
fault-too-short = This value is too short. Minimum length in characters: { $min }.
fault-too-long = This value is too long. Maximum length in characters: { $max }.
fault-too-few = This list has too few items. Minimum: { $min }.
fault-too-many = This list has too many items. Maximum: { $max }.
fault-out-of-range = This value must be between { $min } and { $max }.
fault-unknown-recipient = No recipient has this id.
