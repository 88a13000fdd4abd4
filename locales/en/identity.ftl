# Directory and idempotency.
error-request-in-progress = The first request with this key is still running. Try again in a moment.
error-slug-taken = This short name is already taken. Choose another one.
error-in-use = This is still in use and cannot be deleted.
fault-unknown-id = No record has this id.
fault-wrong-role = This person does not have the required role.
fault-not-https = This address must start with https://.
