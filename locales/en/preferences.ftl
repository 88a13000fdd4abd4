# Notification preferences.
error-preference-locked = This channel cannot be switched off for this category.
