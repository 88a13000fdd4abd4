# Ce qui part de la maison.
error-invalid-transition = Cette action n’est plus possible dans cet état.
fault-no-address = Vous n’avez pas d’adresse pour ce canal.
