# Deliveries outside the app.
error-invalid-transition = Cette action n’est pas possible dans l’état actuel.
fault-no-address = Vous n’avez pas d’adresse pour ce canal.
