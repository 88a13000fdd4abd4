# The socket.
error-token-expired = Your session has expired. Sign in again.
error-token-revoked = Your session was ended. Sign in again.
