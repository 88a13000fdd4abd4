# What leaves the house.
digest-title-one = Your digest: 1 notification
digest-title-many = Your digest: { $count } notifications
digest-more = … and { $count } more.
error-invalid-transition = This is not possible in the present state.
fault-no-address = You have no address for this channel.
