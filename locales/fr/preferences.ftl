# Notification preferences.
error-preference-locked = Ce canal ne peut pas être désactivé pour cette catégorie.
