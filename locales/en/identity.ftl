# People, teams, clients, tenants; repeated requests.
error-request-in-progress = The same request is still running. Try again in a moment.
error-slug-taken = This short name is already taken.
error-in-use = This is still in use elsewhere and cannot be removed.
fault-unknown-id = There is no such record.
fault-wrong-role = This person does not have the required role.
fault-not-https = This address must begin with https://.
