# Errors: one text per code.
error-validation-error = Some values are not valid.
error-malformed-json = The request body is not valid JSON in UTF-8.
error-bad-request = The request is malformed.
error-not-acceptable = The service cannot answer in any of the formats that you accept.
error-unauthenticated = Sign in to continue.
error-forbidden = You are not allowed to do this.
error-feature-disabled = This feature is not enabled.
error-not-found = There is no such resource.
error-method-not-allowed = This method is not supported at this address.
error-timeout = The request took too long to arrive. Try again.
error-conflict = The data was changed by another user. Please reload.
error-edit-window-closed = This message can no longer be changed.
error-invalid-binding = The subscription { $binding } is not valid: { $why }.
error-not-numbered = This topic does not keep broadcasts. Send it without “persist”.
error-payload-too-large = The request body is too large.
error-unsupported-media-type = This content type or encoding is not supported.
error-precondition-required = Send the version that your change is based on (updated_at or If-Match).
error-idempotency-mismatch = This idempotency key was already used for a different request. Use a new key.
error-rate-limited = Too many requests. Try again in a moment.
error-unavailable = The service is not available right now. Try again in a moment.
error-internal = Something went wrong on our side. Try again; if it happens again, send us the request id.

# Faults: one text per kind of wrong value.
fault-missing = This value is required.
fault-unknown-field = This field does not exist.
fault-duplicate = This value can appear only once.
fault-wrong-type = This value has the wrong type.
fault-invalid = This value is not valid.
fault-unknown-value = This is not one of the allowed values.
fault-nul = This value contains a character that is not allowed (U+0000).
fault-too-deep = This document is nested too deeply.
fault-too-short = This value is too short. Minimum length in characters: { $min }.
fault-too-long = This value is too long. Maximum length in characters: { $max }.
fault-too-few = This list has too few items. Minimum: { $min }.
fault-too-many = This list has too many items. Maximum: { $max }.
fault-out-of-range = This value must be between { $min } and { $max }.
fault-unknown-recipient = No recipient has this id.
