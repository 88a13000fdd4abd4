# Deliveries outside the app.
error-invalid-transition = This action is not possible in the current state.
fault-no-address = You have no address for this channel.
