# Directory and idempotency.
error-request-in-progress = La première requête avec cette clé est encore en cours. Réessayez dans un instant.
error-slug-taken = Ce nom court est déjà pris. Choisissez-en un autre.
error-in-use = Cet élément est encore utilisé et ne peut pas être supprimé.
fault-unknown-id = Aucun enregistrement ne porte cet identifiant.
fault-wrong-role = Cette personne n’a pas le rôle requis.
fault-not-https = Cette adresse doit commencer par https://.
