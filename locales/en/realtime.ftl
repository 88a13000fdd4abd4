# The socket.
error-token-expired = Your session has expired. Sign in again.
