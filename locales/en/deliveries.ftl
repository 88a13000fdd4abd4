# What leaves the house.
error-invalid-transition = This is not possible in the present state.
fault-no-address = You have no address for this channel.
