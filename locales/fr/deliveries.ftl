# Ce qui part de la maison.
digest-title-one = Votre résumé : 1 notification
digest-title-many = Votre résumé : { $count } notifications
digest-more = … et { $count } de plus.
error-invalid-transition = Cette action n’est plus possible dans cet état.
fault-no-address = Vous n’avez pas d’adresse pour ce canal.
