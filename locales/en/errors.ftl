error-internal = Something went wrong on our side. Try again; if it persists, quote the request id.
