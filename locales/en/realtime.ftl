# The socket.
error-token-expired = Your session has expired. Sign in again.
error-malformed-frame = This frame makes no sense to the service.
