# What people are told, and how.
error-preference-locked = This channel cannot be switched off for this category.
