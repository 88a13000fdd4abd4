# Sockets.
error-token-expired = Your session has expired. Sign in again.
error-malformed-frame = The service cannot read this frame.
error-token-revoked = Your session was closed. Sign in again.
